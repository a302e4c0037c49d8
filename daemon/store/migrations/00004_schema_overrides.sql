-- +goose Up
CREATE TABLE schema_overrides (
    connection    TEXT NOT NULL,
    subject       TEXT NOT NULL,
    compatibility TEXT NOT NULL,
    PRIMARY KEY (connection, subject)
);

-- +goose Down
DROP TABLE schema_overrides;
