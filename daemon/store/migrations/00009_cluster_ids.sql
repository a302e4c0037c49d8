-- +goose Up
ALTER TABLE connections ADD COLUMN cluster_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE connections DROP COLUMN cluster_id;
