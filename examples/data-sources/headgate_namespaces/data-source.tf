data "headgate_namespaces" "all" {}

output "prefixes" {
  value = { for n in data.headgate_namespaces.all.namespaces : n.name => n.topic_prefix }
}
