-- +goose Up
ALTER TABLE kafka_connectors ADD COLUMN added TEXT NOT NULL DEFAULT '{}';
ALTER TABLE kafka_connectors ADD COLUMN masked TEXT NOT NULL DEFAULT '{}';

-- Notes that were kept of connections which are gone.
DELETE FROM kafka_connectors WHERE connection NOT IN (SELECT name FROM connections);

-- +goose Down
ALTER TABLE kafka_connectors DROP COLUMN masked;
ALTER TABLE kafka_connectors DROP COLUMN added;
