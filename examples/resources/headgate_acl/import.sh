# The connection and the principal
terraform import headgate_acl.billing 'main/User:billing'
