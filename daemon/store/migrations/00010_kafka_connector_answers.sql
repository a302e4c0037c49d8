-- +goose Up
ALTER TABLE kafka_connectors ADD COLUMN added TEXT NOT NULL DEFAULT '{}';
ALTER TABLE kafka_connectors ADD COLUMN masked TEXT NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE kafka_connectors DROP COLUMN masked;
ALTER TABLE kafka_connectors DROP COLUMN added;
