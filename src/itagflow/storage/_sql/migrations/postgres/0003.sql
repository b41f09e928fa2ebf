-- Whether a member has a turn on a package is asked by one index, which has all that is asked for: without statistics,
-- as after a big load, the server would take the index of all that the member ever did for as good.

DROP INDEX assignment_package;
CREATE INDEX assignment_package ON assignment (job, package, member, stage, state);

-- Whether a package was the last open one is asked by an index over the open ones, however many are finished.

ALTER TABLE package ADD COLUMN open BIGINT NOT NULL DEFAULT 0;
UPDATE package SET open = 1 WHERE state IN ('label', 'inspect', 'accept');
CREATE INDEX package_open ON package (job, number) WHERE open = 1;

-- How many packages and tasks of a job are in which state is kept, so that it is there at once. A sum is spread over
-- slots: whoever adds to it waits only for those who add to the same slot.

CREATE TABLE package_sums (
    job BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, slot BIGINT NOT NULL, number BIGINT NOT NULL, size BIGINT NOT NULL,
    abandoned BIGINT NOT NULL, wrong BIGINT NOT NULL, disputed BIGINT NOT NULL,
    prelabeled BIGINT NOT NULL, corrected BIGINT NOT NULL,
    PRIMARY KEY (job, state, slot)
);
INSERT INTO package_sums
    SELECT job, state, 0, COUNT(*), SUM(size), SUM(abandoned), SUM(wrong), SUM(disputed), SUM(prelabeled), SUM(corrected)
    FROM package GROUP BY job, state;
