-- +goose Up
CREATE TABLE namespaces (
    name       TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,
    generation BIGINT NOT NULL
);

-- +goose Down
DROP TABLE namespaces;
