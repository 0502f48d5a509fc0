-- The guard of syncd for a collection of Directus in PostgreSQL: an update that was made for another state of an item is
-- refused in the moment of the write. Directus itself compares some milliseconds before it, and an editor's work can be
-- overwritten in between. Put the collection's name in place of "policies"; `syncd_edition` is an integer field with the
-- default 0, made in Directus as any other. In the options of syncd: guard_field = "syncd_edition".
--
-- Directus sends only the fields that somebody changed, so that an editor's update always passes and is counted.

CREATE OR REPLACE FUNCTION syncd_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.syncd_edition IS DISTINCT FROM OLD.syncd_edition THEN
    RAISE unique_violation USING
      MESSAGE = 'it was changed since it was read',
      DETAIL = format('Key (syncd_edition)=(%s) already exists.', NEW.syncd_edition),
      TABLE = TG_TABLE_NAME;  -- Directus tells it by these as RECORD_NOT_UNIQUE
  END IF;
  NEW.syncd_edition := COALESCE(OLD.syncd_edition, 0) + 1;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER syncd_guard BEFORE UPDATE ON "policies" FOR EACH ROW EXECUTE FUNCTION syncd_guard();
