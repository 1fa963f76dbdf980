-- registry-torn.sql — takes back what notices left on other servers when the store's own server, or one of them, died while
-- the others committed: docs/OPERATIONS.md, "Partitions on other servers". The node is stopped.
--   psql -X -f registry-torn.sql postgresql://…
-- What the store has not acknowledged has not happened: its rows go, and the record is again as its history last tells. The
-- municipality's node tells the notice again by itself.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SELECT one FROM writer WHERE one = 1 FOR UPDATE \g /dev/null

CREATE FUNCTION pg_temp.restore(whose text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM resident WHERE code = whose;
    INSERT INTO resident (code, municipality, revision, removed, name, name_substitutes, birth, sex, address,
        address_substitutes, furigana, former_name, former_furigana, alias, personal_number, household, position, relation,
        foreign_resident, romaji, resident_since, address_since, notified, former_address, original_name, original_address)
    SELECT code, municipality, revision,
        CASE WHEN reason IN ('国内転出', '国外転出', '国外転出（継続利用）', '死亡', '職権消除等', '職権消除等（帰化等）',
            '職権消除等（国籍喪失）', '転出', '転出（国外）', '整合性の回復（消除）') THEN recorded ELSE 0 END,
        name, name_substitutes, birth, sex, address, address_substitutes, furigana, former_name, former_furigana, alias,
        personal_number, household, position, relation, foreign_resident, romaji, resident_since, address_since, notified,
        former_address, original_name, original_address
    FROM history WHERE code = whose ORDER BY revision DESC LIMIT 1;
END $$;

-- One row of history, with what the same notice wrote beside it: the 転出 of a release, the end of a former code.
CREATE FUNCTION pg_temp.take_back(whose text, number bigint, place text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    past history;
BEGIN
    SELECT * INTO past FROM history WHERE code = whose AND revision = number AND municipality = place;
    DELETE FROM history WHERE code = whose AND revision = number AND municipality = place;
    DELETE FROM history WHERE code = whose AND revision = number - 1 AND municipality <> place AND recorded = past.recorded;
    IF past.previous_code <> '' THEN
        DELETE FROM history WHERE code = past.previous_code AND municipality = place AND recorded = past.recorded
            AND revision = (SELECT max(revision) FROM history WHERE code = past.previous_code);
        PERFORM pg_temp.restore(past.previous_code);
    END IF;
    PERFORM pg_temp.restore(whose);
END $$;

-- Notices behind the last one that was acknowledged.
DO $$
DECLARE
    place record;
    torn record;
BEGIN
    FOR place IN SELECT municipality, acknowledged FROM intake LOOP
        FOR torn IN SELECT * FROM received WHERE municipality = place.municipality AND sequence > place.acknowledged
            ORDER BY sequence DESC LOOP
            IF torn.revision > 0 THEN
                PERFORM pg_temp.take_back(torn.code, torn.revision, place.municipality);
            END IF;
            DELETE FROM received WHERE municipality = place.municipality AND sequence = torn.sequence;
            RAISE NOTICE 'taken back: notice %/%', place.municipality, torn.sequence;
        END LOOP;
    END LOOP;
END $$;

-- A move between servers of which only the server that was left committed: the record is nowhere.
DO $$
DECLARE
    lost record;
BEGIN
    FOR lost IN SELECT code, municipality FROM location l WHERE key = code AND NOT EXISTS
        (SELECT 1 FROM resident r WHERE r.code = l.code AND r.municipality = l.municipality) LOOP
        DELETE FROM history WHERE code = lost.code AND municipality = lost.municipality AND reason IN ('国内転出', '転出')
            AND revision = (SELECT max(revision) FROM history WHERE code = lost.code);
        PERFORM pg_temp.restore(lost.code);
        RAISE NOTICE 'taken back: a move from %', lost.municipality;
    END LOOP;
END $$;
COMMIT;
