-- The schema, as it was made first. A row is: key, version, index columns, and a body with everything else.
-- Columns are never NULL: 0 or '' stands for nobody or nothing, 9223372036854775807 for never.
-- Words sort by code point, as everywhere else. A task's body is its row as it came, byte for byte;
-- a body is JSON and not JSONB, which would put its fields in another order and take longer.

CREATE TABLE workspace (
    id BIGINT PRIMARY KEY, version BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, body JSON NOT NULL
);
CREATE UNIQUE INDEX workspace_name ON workspace (name);

CREATE TABLE member (
    id BIGINT PRIMARY KEY, version BIGINT NOT NULL,
    workspace BIGINT NOT NULL, account TEXT COLLATE "C" NOT NULL, active BIGINT NOT NULL, body JSON NOT NULL
);
CREATE UNIQUE INDEX member_account ON member (workspace, account);
CREATE INDEX member_everywhere ON member (account);

CREATE TABLE template (
    id BIGINT PRIMARY KEY, version BIGINT NOT NULL,
    workspace BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, body JSON NOT NULL
);
CREATE UNIQUE INDEX template_name ON template (workspace, name) WHERE name <> '';

CREATE TABLE job (
    id BIGINT PRIMARY KEY, version BIGINT NOT NULL,
    workspace BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, state TEXT COLLATE "C" NOT NULL, priority BIGINT NOT NULL,
    body JSON NOT NULL
);
CREATE UNIQUE INDEX job_name ON job (workspace, name);
CREATE INDEX job_everywhere ON job (name);
-- what a claim goes through that names no job
CREATE INDEX job_running ON job (workspace, id) WHERE state = 'running';

-- What every append changes is not in the row of the job, which every claim locks and compares.
CREATE TABLE job_counter (
    job BIGINT PRIMARY KEY, version BIGINT NOT NULL,
    tasks BIGINT NOT NULL, packages BIGINT NOT NULL, rows_read BIGINT NOT NULL, body JSON NOT NULL
);

CREATE TABLE package (
    job BIGINT NOT NULL, number BIGINT NOT NULL, version BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL, waiting BIGINT NOT NULL, priority DOUBLE PRECISION NOT NULL, waiting_since BIGINT NOT NULL,
    free BIGINT NOT NULL, round BIGINT NOT NULL, size BIGINT NOT NULL,
    abandoned BIGINT NOT NULL, wrong BIGINT NOT NULL, disputed BIGINT NOT NULL,
    value TEXT COLLATE "C" NOT NULL, prelabeled BIGINT NOT NULL, corrected BIGINT NOT NULL, final BIGINT NOT NULL,
    open BIGINT NOT NULL, due BIGINT NOT NULL, ranked BIGINT NOT NULL, first_task BIGINT NOT NULL,
    has_deadline BIGINT NOT NULL, is_deadline_pending BIGINT NOT NULL,
    waiting_value TEXT COLLATE "C" NOT NULL, lot_key TEXT COLLATE "C" NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE INDEX package_pool ON package (job, state, priority DESC, due, waiting_since, number) WHERE waiting = 1;
-- For jobs whose packages are claimed in another order. Most packages have no priority and no due time; they have the
-- same order here and there, and are not in these indexes: else each claim would write them, too. Those
-- with a priority alone are only in the second.
CREATE INDEX package_due ON package (job, state, due, priority DESC, waiting_since, number)
    WHERE ranked = 1 AND has_deadline = 1;
CREATE INDEX package_oldest ON package (job, state, waiting_since, priority DESC, due, number) WHERE ranked = 1;
-- What is overdue is listed, and what time has still to decide is found, by the packages that have a due time alone: most
-- have none, and are in neither index.
CREATE INDEX package_deadline ON package (job, due, number) WHERE has_deadline = 1;
CREATE INDEX package_deadline_pending ON package (job, due, number) WHERE is_deadline_pending = 1;
-- Whether a package was the last open one is asked by an index over the open ones, however many are finished.
CREATE INDEX package_open ON package (job, number) WHERE open = 1;
CREATE INDEX package_state ON package (job, state, number);
-- What waits of a job whose packages need a skill, by the value that names it, in each of the orders; the packages of
-- other jobs are not in these indexes.
CREATE INDEX package_skill ON package (job, state, waiting_value, priority DESC, due, waiting_since, number)
    WHERE waiting_value <> '';
CREATE INDEX package_skill_due ON package (job, state, waiting_value, due, priority DESC, waiting_since, number)
    WHERE waiting_value <> '';
CREATE INDEX package_skill_oldest ON package (job, state, waiting_value, waiting_since, priority DESC, due, number)
    WHERE waiting_value <> '';
CREATE INDEX package_skill_number ON package (job, state, waiting_value, number) WHERE waiting_value <> '';
CREATE INDEX package_value ON package (job, value, number) WHERE value <> '';

-- How many packages and tasks of a job are in which state is kept, so that it is there at once. A sum is spread over
-- slots: whoever adds to it waits only for those who add to the same slot.
CREATE TABLE package_sums (
    job BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, slot BIGINT NOT NULL, number BIGINT NOT NULL, size BIGINT NOT NULL,
    abandoned BIGINT NOT NULL, wrong BIGINT NOT NULL, disputed BIGINT NOT NULL,
    prelabeled BIGINT NOT NULL, corrected BIGINT NOT NULL, final BIGINT NOT NULL,
    PRIMARY KEY (job, state, slot)
);

-- Lots of several packages: few, and found by their job.
CREATE TABLE lot (
    job BIGINT NOT NULL, number BIGINT NOT NULL, version BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL,
    body JSON NOT NULL,
    PRIMARY KEY (job, number)
);

CREATE TABLE task (
    job BIGINT NOT NULL, number BIGINT NOT NULL, version BIGINT NOT NULL,
    package BIGINT NOT NULL, row_key_text TEXT COLLATE "C" NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE INDEX task_package ON task (job, package, number);
CREATE UNIQUE INDEX task_row_key_text ON task (job, row_key_text) WHERE row_key_text <> '';

CREATE TABLE assignment (
    job BIGINT NOT NULL, id BIGINT NOT NULL, version BIGINT NOT NULL,
    package BIGINT NOT NULL, stage TEXT COLLATE "C" NOT NULL, round BIGINT NOT NULL, member BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL, live BIGINT NOT NULL, lease_until BIGINT NOT NULL, token TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL, authored BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, id)
);
-- It has all that is asked for when a claim looks whether a member has work on a package: without statistics, as after
-- a big load, the server would take the index of all that the member ever did for as good.
CREATE INDEX assignment_package ON assignment (job, package, member, stage, state);
CREATE INDEX assignment_member ON assignment (member, state, job, id);
CREATE INDEX assignment_lease ON assignment (job, stage, lease_until, id) WHERE live = 1;
CREATE INDEX assignment_token ON assignment (member, token, job) WHERE token <> '';

CREATE TABLE answer (
    job BIGINT NOT NULL, assignment BIGINT NOT NULL, task BIGINT NOT NULL, version BIGINT NOT NULL,
    package BIGINT NOT NULL, stage TEXT COLLATE "C" NOT NULL, round BIGINT NOT NULL, member BIGINT NOT NULL,
    is_resolved BIGINT NOT NULL, is_abandoned BIGINT NOT NULL, verdict TEXT COLLATE "C" NOT NULL,
    seconds BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, assignment, task)
);
CREATE INDEX answer_task ON answer (job, task, assignment);

-- Half-filled answers: few, and in a table of their own, so that nothing that counts answers meets them.
CREATE TABLE draft (
    job BIGINT NOT NULL, assignment BIGINT NOT NULL, task BIGINT NOT NULL, version BIGINT NOT NULL,
    package BIGINT NOT NULL, member BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, assignment, task)
);
CREATE INDEX draft_package ON draft (job, package, task);

CREATE TABLE claim_counter (
    job BIGINT NOT NULL, stage TEXT COLLATE "C" NOT NULL, member BIGINT NOT NULL, version BIGINT NOT NULL,
    active BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, stage, member)
);

CREATE TABLE comment (
    job BIGINT NOT NULL, id BIGINT NOT NULL, version BIGINT NOT NULL,
    task BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (job, id)
);
CREATE INDEX comment_task ON comment (job, task, id);

CREATE SEQUENCE event_position;

-- A position is drawn under a lock that lasts until the transaction ends and names a position below: who follows the history
-- sees in pg_locks from where on something may still be coming. Its key: 15 bits for the sequence, 48 for the position.
CREATE FUNCTION next_position() RETURNS BIGINT LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT pg_advisory_xact_lock_shared(('event_position'::regclass::oid::bigint & 32767) << 48 | last_value)
        FROM event_position;
    SELECT nextval('event_position'::regclass);
END;

CREATE FUNCTION first_pending() RETURNS BIGINT LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT MIN((classid::bigint & 65535) << 32 | objid::bigint)
        FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid::bigint >> 16 = 'event_position'::regclass::oid::bigint & 32767;
END;

CREATE TABLE event (
    position BIGINT PRIMARY KEY DEFAULT next_position(), version BIGINT NOT NULL,
    workspace BIGINT NOT NULL, job BIGINT NOT NULL, package BIGINT NOT NULL, assignment BIGINT NOT NULL,
    task BIGINT NOT NULL, member BIGINT NOT NULL, type TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    became TEXT COLLATE "C" NOT NULL, body JSON NOT NULL
);
ALTER SEQUENCE event_position OWNED BY event.position;
CREATE INDEX event_job ON event (job, position);
CREATE INDEX event_package ON event (job, package, position);
-- Few events end a package or open it again: who waits for results reads those alone.
CREATE INDEX event_became ON event (job, position) WHERE became <> '';

-- How far each receiver of events has come; which jobs wait because a delivery failed; and what was given up. All refer
-- to events by position.
CREATE TABLE delivery_cursor (
    receiver TEXT COLLATE "C" PRIMARY KEY, version BIGINT NOT NULL, position BIGINT NOT NULL, body JSON NOT NULL
);
CREATE TABLE delayed_job (
    receiver TEXT COLLATE "C" NOT NULL, job BIGINT NOT NULL, version BIGINT NOT NULL, next_attempt_at BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (receiver, job)
);
CREATE INDEX delayed_job_next ON delayed_job (receiver, next_attempt_at, job);
CREATE TABLE dead_letter (
    receiver TEXT COLLATE "C" NOT NULL, position BIGINT NOT NULL, part BIGINT NOT NULL, version BIGINT NOT NULL,
    job BIGINT NOT NULL, next_attempt_at BIGINT NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (receiver, position, part)
);
CREATE INDEX dead_letter_next ON dead_letter (receiver, next_attempt_at, position, part);
