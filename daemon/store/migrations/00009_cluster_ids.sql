-- +goose Up
ALTER TABLE connections ADD COLUMN cluster_id TEXT NOT NULL DEFAULT '';

-- Notes that were kept of connections which are gone.
DELETE FROM kafka_connectors WHERE connection NOT IN (SELECT name FROM connections);

-- +goose Down
ALTER TABLE connections DROP COLUMN cluster_id;
