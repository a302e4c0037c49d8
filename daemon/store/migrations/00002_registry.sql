-- +goose Up
CREATE TABLE registry_state (
    id             BIGINT PRIMARY KEY,
    generation     BIGINT NOT NULL,
    last_schema_id BIGINT NOT NULL,
    compatibility  TEXT NOT NULL,
    mode           TEXT NOT NULL
);

INSERT INTO registry_state (id, generation, last_schema_id, compatibility, mode) VALUES (1, 0, 0, '', '');

CREATE TABLE registry_schemas (
    id          BIGINT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    format      TEXT NOT NULL,
    text        TEXT NOT NULL
);

CREATE TABLE registry_references (
    schema_id BIGINT NOT NULL REFERENCES registry_schemas (id) ON DELETE CASCADE,
    position  BIGINT NOT NULL,
    name      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    version   BIGINT NOT NULL,
    PRIMARY KEY (schema_id, position)
);

CREATE INDEX registry_references_target ON registry_references (subject, version);

-- A subject stays when its versions are gone, so that their numbers are not given twice.
CREATE TABLE registry_subjects (
    name          TEXT PRIMARY KEY,
    last_version  BIGINT NOT NULL,
    compatibility TEXT NOT NULL,
    mode          TEXT NOT NULL
);

CREATE TABLE registry_versions (
    subject   TEXT NOT NULL REFERENCES registry_subjects (name),
    version   BIGINT NOT NULL,
    schema_id BIGINT NOT NULL REFERENCES registry_schemas (id),
    deleted   BOOLEAN NOT NULL,
    PRIMARY KEY (subject, version)
);

CREATE INDEX registry_versions_schema ON registry_versions (schema_id);

-- +goose Down
DROP TABLE registry_versions;
DROP TABLE registry_subjects;
DROP TABLE registry_references;
DROP TABLE registry_schemas;
DROP TABLE registry_state;
