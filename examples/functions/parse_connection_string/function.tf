locals {
  shop = provider::headgate::parse_connection_string("postgresql://app@db.internal:5432/shop?sslmode=require")
}

output "shop" {
  value = "${local.shop.database} on ${local.shop.hosts[0]} as ${local.shop.username}" # shop on db.internal:5432 as app
}
