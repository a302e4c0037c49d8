package api

// PostgreSQLConnection is the kind postgresql.
type PostgreSQLConnection struct {
	Host     string       `json:"host" minLength:"1" doc:"The host name or address of the server." example:"db.internal"`
	Port     int          `json:"port,omitempty" default:"5432" minimum:"1" maximum:"65535" doc:"The port."`
	Database string       `json:"database" minLength:"1" doc:"The database."`
	Username string       `json:"username" minLength:"1" doc:"The role to log in as; for change data capture it needs the REPLICATION attribute."`
	Password string       `json:"password,omitempty" secret:"true" doc:"The password. Without it, a client certificate, or whatever else 'pg_hba.conf' lets in."`
	SSLMode  string       `json:"sslmode,omitempty" enum:"disable,require,verify-ca,verify-full" default:"verify-full" doc:"TLS, in PostgreSQL's words: none ('disable'), with any certificate ('require'), with one of a trusted authority ('verify-ca'), and for this host ('verify-full')."`
	TLS      *DatabaseTLS `json:"tls,omitempty" doc:"Certificates. Without it, the system's certificate authorities are trusted."`
}

// MySQLConnection is the kind mysql.
type MySQLConnection struct {
	Host     string       `json:"host" minLength:"1" doc:"The host name or address of the server, MySQL or MariaDB." example:"db.internal"`
	Port     int          `json:"port,omitempty" default:"3306" minimum:"1" maximum:"65535" doc:"The port."`
	Database string       `json:"database,omitempty" doc:"The database to begin with. Without it, none is chosen."`
	Username string       `json:"username" minLength:"1" doc:"The user; for change data capture it needs REPLICATION SLAVE and REPLICATION CLIENT."`
	Password string       `json:"password,omitempty" secret:"true" doc:"The password."`
	SSLMode  string       `json:"ssl_mode,omitempty" enum:"DISABLED,REQUIRED,VERIFY_CA,VERIFY_IDENTITY" default:"VERIFY_IDENTITY" doc:"TLS, in MySQL's words: none ('DISABLED'), with any certificate ('REQUIRED'), with one of a trusted authority ('VERIFY_CA'), and for this host ('VERIFY_IDENTITY')."`
	TLS      *DatabaseTLS `json:"tls,omitempty" doc:"Certificates. Without it, the system's certificate authorities are trusted."`
}

// DatabaseTLS holds the certificates for a database, whose own mode says what is verified.
type DatabaseTLS struct {
	CACertificate     string `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's."`
	ClientCertificate string `json:"client_certificate,omitempty" doc:"The client's PEM certificate chain, for mutual TLS."`
	ClientKey         string `json:"client_key,omitempty" secret:"true" doc:"The PEM key of the client certificate."`
}
