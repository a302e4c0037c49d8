-- +goose Up
CREATE TABLE reassignments (
    connection TEXT NOT NULL,
    topic      TEXT NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (connection, topic)
);

-- +goose Down
DROP TABLE reassignments;
