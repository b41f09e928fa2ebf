-- The schema, as it was made first. A row is: key, version, index columns, and a body with everything else.
-- Columns are never NULL: 0 or '' stands for nobody or nothing, 9223372036854775807 for never.

CREATE TABLE workspace (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX workspace_name ON workspace (name);

CREATE TABLE member (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    workspace INTEGER NOT NULL, account TEXT NOT NULL, active INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX member_account ON member (workspace, account);
CREATE INDEX member_everywhere ON member (account);

CREATE TABLE template (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    workspace INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX template_name ON template (workspace, name) WHERE name <> '';

CREATE TABLE job (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    workspace INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX job_name ON job (workspace, name);
CREATE INDEX job_everywhere ON job (name);
-- what a claim goes through that names no job
CREATE INDEX job_running ON job (workspace, id) WHERE state = 'running';

-- What every append changes is not in the row of the job, which every claim locks and compares.
CREATE TABLE job_counter (
    job INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    tasks INTEGER NOT NULL, packages INTEGER NOT NULL, rows_read INTEGER NOT NULL, body TEXT NOT NULL
);

CREATE TABLE package (
    job INTEGER NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
    state TEXT NOT NULL, waiting INTEGER NOT NULL, priority NUMERIC NOT NULL, waiting_since INTEGER NOT NULL,
    free INTEGER NOT NULL, round INTEGER NOT NULL, size INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, wrong INTEGER NOT NULL, disputed INTEGER NOT NULL,
    value TEXT NOT NULL, prelabeled INTEGER NOT NULL, corrected INTEGER NOT NULL, final INTEGER NOT NULL,
    open INTEGER NOT NULL, due INTEGER NOT NULL, ranked INTEGER NOT NULL, first_task INTEGER NOT NULL,
    has_deadline INTEGER NOT NULL, is_deadline_pending INTEGER NOT NULL,
    waiting_value TEXT NOT NULL, lot_key TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
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
    job INTEGER NOT NULL, state TEXT NOT NULL, slot INTEGER NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, wrong INTEGER NOT NULL, disputed INTEGER NOT NULL,
    prelabeled INTEGER NOT NULL, corrected INTEGER NOT NULL, final INTEGER NOT NULL,
    PRIMARY KEY (job, state, slot)
) WITHOUT ROWID;

-- Lots of several packages: few, and found by their job.
CREATE TABLE lot (
    job INTEGER NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE task (
    job INTEGER NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
    package INTEGER NOT NULL, row_key_text TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE INDEX task_package ON task (job, package, number);
CREATE UNIQUE INDEX task_row_key_text ON task (job, row_key_text) WHERE row_key_text <> '';

CREATE TABLE assignment (
    job INTEGER NOT NULL, id INTEGER NOT NULL, version INTEGER NOT NULL,
    package INTEGER NOT NULL, stage TEXT NOT NULL, round INTEGER NOT NULL, member INTEGER NOT NULL,
    state TEXT NOT NULL, live INTEGER NOT NULL, lease_until INTEGER NOT NULL, token TEXT NOT NULL,
    purpose TEXT NOT NULL, authored INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, id)
) WITHOUT ROWID;
CREATE INDEX assignment_package ON assignment (job, package, id);
CREATE INDEX assignment_member ON assignment (member, state, job, id);
CREATE INDEX assignment_lease ON assignment (job, stage, lease_until, id) WHERE live = 1;
CREATE INDEX assignment_token ON assignment (member, token, job) WHERE token <> '';

CREATE TABLE answer (
    job INTEGER NOT NULL, assignment INTEGER NOT NULL, task INTEGER NOT NULL, version INTEGER NOT NULL,
    package INTEGER NOT NULL, stage TEXT NOT NULL, round INTEGER NOT NULL, member INTEGER NOT NULL,
    is_resolved INTEGER NOT NULL, is_abandoned INTEGER NOT NULL, verdict TEXT NOT NULL,
    seconds INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, assignment, task)
) WITHOUT ROWID;
CREATE INDEX answer_task ON answer (job, task, assignment);

-- Half-filled answers: few, and in a table of their own, so that nothing that counts answers meets them.
CREATE TABLE draft (
    job INTEGER NOT NULL, assignment INTEGER NOT NULL, task INTEGER NOT NULL, version INTEGER NOT NULL,
    package INTEGER NOT NULL, member INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, assignment, task)
) WITHOUT ROWID;
CREATE INDEX draft_package ON draft (job, package, task);

CREATE TABLE claim_counter (
    job INTEGER NOT NULL, stage TEXT NOT NULL, member INTEGER NOT NULL, version INTEGER NOT NULL,
    active INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, stage, member)
) WITHOUT ROWID;

CREATE TABLE comment (
    job INTEGER NOT NULL, id INTEGER NOT NULL, version INTEGER NOT NULL,
    task INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (job, id)
) WITHOUT ROWID;
CREATE INDEX comment_task ON comment (job, task, id);

CREATE TABLE event (
    position INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL,
    workspace INTEGER NOT NULL, job INTEGER NOT NULL, package INTEGER NOT NULL, assignment INTEGER NOT NULL,
    task INTEGER NOT NULL, member INTEGER NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL,
    became TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX event_job ON event (job);
CREATE INDEX event_package ON event (job, package);
-- Few events end a package or open it again: who waits for results reads those alone.
CREATE INDEX event_became ON event (job) WHERE became <> '';

-- How far each receiver of events has come; which jobs wait because a delivery failed; and what was given up. All refer
-- to events by position.
CREATE TABLE delivery_cursor (
    receiver TEXT PRIMARY KEY, version INTEGER NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE delayed_job (
    receiver TEXT NOT NULL, job INTEGER NOT NULL, version INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (receiver, job)
) WITHOUT ROWID;
CREATE INDEX delayed_job_next ON delayed_job (receiver, next_attempt_at, job);
CREATE TABLE dead_letter (
    receiver TEXT NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL, version INTEGER NOT NULL,
    job INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (receiver, position, part)
) WITHOUT ROWID;
CREATE INDEX dead_letter_next ON dead_letter (receiver, next_attempt_at, position, part);

-- What the planner believes: a job is large, and a package of it is small. Without this it takes a primary key that
-- starts with the job for as good as an index that also has the package or the state, and reads the whole job.
-- Each line: rows of the index, then rows that share its first column, its first two, and so on.
ANALYZE sqlite_master;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('package', 'package', '1000000 10000 1'),
    ('package', 'package_open', '500000 5000 1'),
    ('package', 'package_pool', '300000 3000 1000 500 400 10 1'),
    ('package', 'package_due', '10000 1000 300 100 50 10 1'),
    ('package', 'package_oldest', '30000 3000 1000 10 5 5 1'),
    ('package', 'package_deadline', '30000 3000 10 1'),
    ('package', 'package_deadline_pending', '30000 3000 10 1'),
    ('package', 'package_skill_due', '300000 3000 1000 10 5 4 3 1'),
    ('package', 'package_skill_oldest', '300000 3000 1000 10 5 4 3 1'),
    ('package', 'package_skill_number', '300000 3000 1000 10 1'),
    ('package', 'package_skill', '300000 3000 1000 10 5 4 3 1'),
    ('package', 'package_state', '1000000 10000 500 1'),
    ('package', 'package_value', '1000000 10000 1 1'),
    ('task', 'sqlite_autoindex_task_1', '50000000 500000 1'),
    ('task', 'task_package', '50000000 500000 50 1'),
    ('task', 'task_row_key_text', '50000000 500000 1'),
    ('assignment', 'assignment', '3000000 30000 1'),
    ('assignment', 'assignment_package', '3000000 30000 3 1'),
    ('assignment', 'assignment_member', '3000000 3000 1500 150 1'),
    ('assignment', 'assignment_lease', '10000 100 40 1 1'),
    ('assignment', 'assignment_token', '100000 1000 1 1 1'),
    ('answer', 'answer', '150000000 1500000 50 1'),
    ('answer', 'answer_task', '150000000 1500000 3 1'),
    ('draft', 'draft', '100000 1000 5 1'),
    ('draft', 'draft_package', '100000 1000 5 1'),
    ('claim_counter', 'claim_counter', '10000 100 30 1'),
    ('comment', 'comment', '1000000 10000 1'),
    ('comment', 'comment_task', '1000000 10000 2 1'),
    ('event', 'event_became', '2000000 20000'),
    ('event', 'event_job', '200000000 2000000'),
    ('event', 'event_package', '200000000 2000000 200');
-- A connection reads these rows when it opens the file.  This one has it open already and goes on writing, so it reads
-- them now: on this table, ANALYZE gathers nothing.
ANALYZE sqlite_master;
