terraform import headgate_stream.clicks kinesis/clicks
