-- +goose Up
CREATE TABLE kafka_connectors (
    connection     TEXT NOT NULL,
    name           TEXT NOT NULL,
    sensitive_keys TEXT NOT NULL,
    restart        TEXT NOT NULL,
    PRIMARY KEY (connection, name)
);

-- +goose Down
DROP TABLE kafka_connectors;
