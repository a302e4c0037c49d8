import {
  to = headgate_stream.clicks
  id = "kinesis/clicks"
}
