# The connection and the user. The next apply sends password_wo
terraform import headgate_scram_user.billing 'main/billing'
