-- +goose Up
CREATE TABLE connections (
    name            TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    spec            TEXT NOT NULL,
    secret_versions TEXT NOT NULL,
    generation      BIGINT NOT NULL
);

CREATE TABLE connection_secrets (
    connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
    field      TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    PRIMARY KEY (connection, field)
);

CREATE TABLE connectors (
    name       TEXT PRIMARY KEY,
    uid        TEXT NOT NULL UNIQUE,
    spec       TEXT NOT NULL,
    generation BIGINT NOT NULL,
    started    BOOLEAN NOT NULL
);

CREATE TABLE topics (
    connection          TEXT NOT NULL,
    name                TEXT NOT NULL,
    description         TEXT NOT NULL,
    labels              TEXT NOT NULL,
    deletion_protection BOOLEAN NOT NULL,
    PRIMARY KEY (connection, name)
);

CREATE TABLE creations (
    noun            TEXT NOT NULL,
    name            TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    boot            TEXT NOT NULL,
    PRIMARY KEY (noun, name)
);

-- +goose Down
DROP TABLE creations;
DROP TABLE topics;
DROP TABLE connectors;
DROP TABLE connection_secrets;
DROP TABLE connections;
