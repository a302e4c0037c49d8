-- +goose Up
ALTER TABLE registry_schemas ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
ALTER TABLE registry_schemas ADD COLUMN rule_set TEXT NOT NULL DEFAULT '';
ALTER TABLE registry_state ADD COLUMN normalize TEXT NOT NULL DEFAULT '';
ALTER TABLE registry_subjects ADD COLUMN normalize TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE registry_subjects DROP COLUMN normalize;
ALTER TABLE registry_state DROP COLUMN normalize;
ALTER TABLE registry_schemas DROP COLUMN rule_set;
ALTER TABLE registry_schemas DROP COLUMN metadata;
