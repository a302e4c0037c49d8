package api

// ObjectStorageConnection is the kind object_storage. Exactly one of its fields is set.
type ObjectStorageConnection struct {
	S3        *S3Storage        `json:"s3,omitempty" doc:"A bucket of Amazon S3, or of a store that speaks its API, such as MinIO, Ceph or Cloudflare R2."`
	GCS       *GCSStorage       `json:"gcs,omitempty" doc:"A bucket of Google Cloud Storage."`
	AzureBlob *AzureBlobStorage `json:"azure_blob,omitempty" doc:"A container of Azure Blob Storage, by exactly one of an account key, a connection string and a shared access signature."`
	Folder    *FolderStorage    `json:"folder,omitempty" doc:"A folder on the daemon's machine."`
}

// S3Storage is a bucket of Amazon S3.
type S3Storage struct {
	Bucket      string          `json:"bucket" pattern:"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$" doc:"The bucket." example:"payments-archive"`
	Region      string          `json:"region" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"The region of the bucket, which requests are signed for. Other stores than Amazon's have a word of their own here: often 'us-east-1', with Cloudflare R2 'auto'." example:"eu-central-1"`
	Endpoint    string          `json:"endpoint,omitempty" pattern:"^https?://" doc:"The URL of the service, without the bucket, where it is not the region's own, such as a VPC endpoint or another store." example:"https://minio.internal:9000"`
	PathStyle   bool            `json:"path_style,omitempty" default:"false" doc:"Whether the bucket goes into the path instead of the host name: 'https://host/bucket'. Most stores other than Amazon's need it."`
	Credentials *AWSCredentials `json:"credentials,omitempty" doc:"Who signs the requests. Without it, the default credential chain of the AWS SDK on the daemon's machine."`
	TLS         *TLS            `json:"tls,omitempty" doc:"TLS towards an https endpoint. Without it, the system's certificate authorities are trusted."`
}

// GCSStorage is a bucket of Google Cloud Storage.
type GCSStorage struct {
	Bucket          string `json:"bucket" pattern:"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$" doc:"The bucket." example:"payments-archive"`
	CredentialsJSON string `json:"credentials_json,omitempty" secret:"true" doc:"The JSON key of a service account. Without it, the application default credentials of the daemon's machine: the file that 'GOOGLE_APPLICATION_CREDENTIALS' names there, workload identity, or the machine's own service account."`
	Endpoint        string `json:"endpoint,omitempty" pattern:"^https?://" default:"https://storage.googleapis.com" doc:"The URL of the service, such as that of a Private Service Connect endpoint."`
	TLS             *TLS   `json:"tls,omitempty" doc:"TLS towards an https endpoint. Without it, the system's certificate authorities are trusted."`
}

// AzureBlobStorage is a container of Azure Blob Storage.
type AzureBlobStorage struct {
	Account          string `json:"account" pattern:"^[a-z0-9]{3,24}$" doc:"The storage account." example:"contoso"`
	Container        string `json:"container" minLength:"3" maxLength:"63" pattern:"^(\\$root|\\$web|[a-z0-9](-?[a-z0-9])+)$" doc:"The container." example:"payments-archive"`
	AccountKey       string `json:"account_key,omitempty" secret:"true" doc:"One of the two keys of the account, in base64 as Azure shows it."`
	ConnectionString string `json:"connection_string,omitempty" secret:"true" doc:"A connection string of the account, as Azure shows it. It tells the endpoint too."`
	SAS              string `json:"sas,omitempty" secret:"true" doc:"A shared access signature, as 'sv=...&sig=...', that may list the container, and read and write in it. It is not renewed: declare the next one before it ends."`
	Endpoint         string `json:"endpoint,omitempty" pattern:"^https?://" doc:"The URL of the blob service, without the container, where it is not 'https://ACCOUNT.blob.core.windows.net', such as that of a sovereign cloud." example:"https://contoso.blob.core.usgovcloudapi.net"`
	TLS              *TLS   `json:"tls,omitempty" doc:"TLS towards an https endpoint. Without it, the system's certificate authorities are trusted."`
}

// FolderStorage is a folder on the daemon's machine.
type FolderStorage struct {
	Path string `json:"path" minLength:"1" doc:"The absolute path of the folder, which must be there." example:"/var/lib/headgate/archive"`
}
