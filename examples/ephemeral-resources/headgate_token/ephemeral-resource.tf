# A token for a job that reads statuses while this apply runs, and for half an hour after it.
ephemeral "headgate_token" "ci" {
  description = "smoke test after deploy"
  lifetime    = "30m"
}
