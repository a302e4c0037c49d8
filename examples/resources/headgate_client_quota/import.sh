# The connection and the entity: user=NAME, client-id=NAME, both with a comma between them, or ip=ADDRESS
terraform import headgate_client_quota.reports 'main/user=billing,client-id=reports'
