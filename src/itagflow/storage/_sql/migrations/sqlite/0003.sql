-- Whether a package was the last open one is asked by an index over the open ones, however many are finished.

ALTER TABLE package ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
UPDATE package SET open = 1 WHERE state IN ('label', 'inspect', 'accept');
CREATE INDEX package_open ON package (job, number) WHERE open = 1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('package', 'package_open', '500000 5000 1');

-- How many packages and tasks of a job are in which state is kept, so that it is there at once. A sum is spread over
-- slots: whoever adds to it waits only for those who add to the same slot.

CREATE TABLE package_sums (
    job INTEGER NOT NULL, state TEXT NOT NULL, slot INTEGER NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, wrong INTEGER NOT NULL, disputed INTEGER NOT NULL,
    prelabeled INTEGER NOT NULL, corrected INTEGER NOT NULL,
    PRIMARY KEY (job, state, slot)
) WITHOUT ROWID;
INSERT INTO package_sums
    SELECT job, state, 0, COUNT(*), SUM(size), SUM(abandoned), SUM(wrong), SUM(disputed), SUM(prelabeled), SUM(corrected)
    FROM package GROUP BY job, state;
