-- Which of the tenant's prompts a call's instructions held, and in which version. One that was taken back since keeps its number.
ALTER TABLE ai_request ADD COLUMN prompt_id uuid, ADD COLUMN prompt_number bigint;
