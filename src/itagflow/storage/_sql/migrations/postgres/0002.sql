-- Pre-labels are counted.

ALTER TABLE package ADD COLUMN prelabeled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE package ADD COLUMN corrected BIGINT NOT NULL DEFAULT 0;
