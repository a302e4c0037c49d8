variable "kafka_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

# What the other systems ask for, each under the name of its connection.
variable "secrets" {
  type      = map(string)
  sensitive = true
  ephemeral = true
}

resource "headgate_connection" "main" {
  name = "main"
  kafka = {
    bootstrap_servers = ["b-1.internal:9093", "b-2.internal:9093"]
    security_protocol = "SASL_SSL"
    sasl = {
      mechanism           = "SCRAM-SHA-512"
      username            = "platform"
      password_wo         = var.kafka_password
      password_wo_version = 1 # another number sends the password again: that rotates it
    }
  }
}

resource "headgate_connection" "registry" {
  name = "registry"
  schema_registry = {
    url = "https://registry.internal:8081"
  }
}

# The vendors' clusters have kinds of their own, with few fields and the right defaults.
resource "headgate_connection" "cloud" {
  name = "cloud"
  confluent_cloud = {
    bootstrap_server      = "pkc-12345.eu-central-1.aws.confluent.cloud"
    api_key               = "ABCDEFGHIJKLMNOP"
    api_secret_wo         = var.secrets["cloud"]
    api_secret_wo_version = 1
  }
}

resource "headgate_connection" "msk" {
  name = "msk"
  msk = {
    bootstrap_servers = ["b-1.orders.a1b2c3.c4.kafka.eu-central-1.amazonaws.com"]
    iam               = { role_arn = "arn:aws:iam::123456789012:role/headgate" } # {}: the AWS credentials of the daemon's machine
  }
}

resource "headgate_connection" "hubs" {
  name = "hubs"
  event_hubs = {
    namespace = "contoso" # contoso.servicebus.windows.net:9093
    entra_id = {
      tenant_id                = "0a1b2c3d-0000-0000-0000-000000000000"
      client_id                = "4e5f6a7b-0000-0000-0000-000000000000"
      client_secret_wo         = var.secrets["hubs"]
      client_secret_wo_version = 1
    }
  }
}

# OAuth 2.0 client credentials: tokens are renewed before they end.
resource "headgate_connection" "tokens" {
  name = "tokens"
  kafka = {
    bootstrap_servers = ["b-1.internal:9094"]
    sasl = {
      mechanism = "OAUTHBEARER"
      oauth = {
        token_endpoint           = "https://login.internal/oauth2/token"
        client_id                = "headgate"
        client_secret_wo         = var.secrets["tokens"]
        client_secret_wo_version = 1
        scopes                   = ["kafka"]
      }
    }
  }
}

resource "headgate_connection" "connect" {
  name          = "connect"
  kafka_connect = { urls = ["https://connect-1.internal:8083", "https://connect-2.internal:8083"] }
}

# Beside Kafka: Kinesis with a role, Pulsar with a token (Astra Streaming too), databases for change data capture.
resource "headgate_connection" "kinesis" {
  name = "kinesis"
  kinesis = {
    region      = "eu-central-1"
    credentials = { role_arn = "arn:aws:iam::123456789012:role/headgate" } # without it: the AWS credentials of the daemon's machine
  }
}

resource "headgate_connection" "pulsar" {
  name = "pulsar"
  pulsar = {
    service_url      = "pulsar+ssl://pulsar.internal:6651"
    admin_url        = "https://pulsar.internal:8443"
    tenant           = "payments"
    token_wo         = var.secrets["pulsar"]
    token_wo_version = 1
  }
}

resource "headgate_connection" "shop" {
  name = "shop"
  postgresql = {
    host                = "db.internal"
    database            = "shop"
    username            = "headgate"
    password_wo         = var.secrets["shop"]
    password_wo_version = 1
  }
}

# Object storage: S3 and what speaks its API, Google Cloud Storage, Azure Blob Storage, or a folder of the daemon's machine.
resource "headgate_connection" "archive" {
  name = "archive"
  object_storage = {
    s3 = {
      bucket      = "payments-archive"
      region      = "eu-central-1"
      credentials = { role_arn = "arn:aws:iam::123456789012:role/headgate" } # without it: the AWS credentials of the daemon's machine
    }
  }
}

resource "headgate_connection" "minio" {
  name = "minio"
  object_storage = {
    s3 = {
      bucket     = "payments-archive"
      region     = "us-east-1"
      endpoint   = "https://minio.internal:9000"
      path_style = true
      credentials = {
        access_key_id                = "headgate"
        secret_access_key_wo         = var.secrets["minio"]
        secret_access_key_wo_version = 1
      }
    }
  }
}

resource "headgate_connection" "google" {
  name           = "google"
  object_storage = { gcs = { bucket = "payments-archive" } } # with the default credentials of the daemon's machine, or credentials_json_wo
}

resource "headgate_connection" "azure" {
  name = "azure"
  object_storage = {
    azure_blob = {
      account        = "contoso"
      container      = "payments-archive"
      sas_wo         = "sv=2024-11-04&sr=c&sp=racwl&sig=${urlencode(var.secrets["azure"])}" # or account_key_wo, or connection_string_wo
      sas_wo_version = 1
    }
  }
}

resource "headgate_connection" "folder" {
  name           = "folder"
  object_storage = { folder = { path = "/var/lib/headgate/archive" } }
}
