output "largest_record" {
  value = provider::headgate::size_bytes("2MiB") # 2097152
}
