output "a_week" {
  value = provider::headgate::duration_ms("168h") # 604800000
}
