use super::*;

fn problems(text: &str) -> Vec<String> {
    let checked = Config::parse(text).and_then(|config| config.check());
    checked.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The sample with one line of it exchanged.
fn with(line: &str, other: &str) -> String {
    assert!(SAMPLE.contains(line), "{line}");
    SAMPLE.replacen(line, other, 1)
}

#[test]
fn the_sample_is_valid_and_what_it_comments_out_is_the_default() {
    assert_eq!(problems(SAMPLE), Vec::<String>::new());
    let shown = SAMPLE.replace("# hedge_after_ms", "hedge_after_ms").replace("# proxy_url", "proxy_url").replace("# quirks", "quirks");
    let defaults = [
        "attempts_max",
        "backoff_ms",
        "backoff_max_ms",
        "retry_after_max_ms",
        "reserve_ms",
        "retries_percent",
        "base_url",
        "timeouts",
        "price",
        "vectors",
        "content_policy_fallback",
    ];
    let shown = defaults.iter().fold(shown, |text, key| text.replace(&format!("# {key} ="), &format!("{key} =")));
    assert_eq!(problems(&shown), Vec::<String>::new());

    let (plain, shown) = (Config::parse(SAMPLE).unwrap(), Config::parse(&shown).unwrap());
    assert_eq!(format!("{:?}", plain.routing), format!("{:?}", shown.routing));
    let timeouts = |config: &Config| format!("{:?}", config.providers["openai"].timeouts);
    assert_eq!(timeouts(&plain), timeouts(&shown));
    assert_eq!(plain.providers["openai"].base_url(), shown.providers["openai"].base_url());
    let price = |config: &Config| config.providers["openai"].price("openai", "gpt-4.1") == ("openai", "gpt-4.1");
    assert!(price(&plain) && price(&shown));
}

#[test]
fn a_key_that_does_not_exist_is_refused_with_its_line() {
    let problems = problems(&with("weight = 3", "wait = 3"));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("line ") && problems[0].contains("unknown field `wait`"), "{problems:?}");
}

#[test]
fn every_mistake_is_told_with_its_path() {
    let cases = [
        ("# attempts_max = 3              #", "attempts_max = 4 #", "routing.attempts_max: it must be from 1 to 3"),
        ("# retries_percent = 10 ", "retries_percent = 11 ", "routing.retries_percent: it must be at most 10"),
        ("base_url = \"http://10.0.0.5:8000/v1\"", "", "providers.house.base_url: it is needed for this kind"),
        ("http://10.0.0.5:8000/v1", "ftp://10.0.0.5", "providers.house.base_url: it must begin with one of http, https"),
        ("http://10.0.0.5:8000/v1", "http://me:secret@10.0.0.5", "providers.house.base_url: it must not hold a user or a password"),
        ("weight = 3", "weight = 0", "providers.openai.credentials[0].weight: it must be greater than 0"),
        ("name = \"second\"", "name = \"main\"", "providers.openai.credentials[1].name: another one has this name"),
        ("key_file = \"/run/secrets/openai-second\"", "", "providers.openai.credentials[1]: exactly one of key_env and key_file is needed"),
        ("credentials = [{ name = \"main\", key_env = \"ANTHROPIC_API_KEY\" }]", "", "providers.anthropic.credentials: at least one is needed for this kind"),
        ("first_token_ms = 60_000", "first_token_ms = 0", "providers.house.timeouts.first_token_ms: it must be greater than 0"),
        (
            "max_output = 64_000",
            "max_output = 640_000",
            "providers.anthropic.models.\"claude-sonnet-4-5\".max_output: it must be greater than 0 and at most the window",
        ),
        ("chat = false", "chat = false\ntools = true", "providers.openai.models.\"text-embedding-3-small\".tools: only a model for chat can do that"),
        (
            "price = \"openai/gpt-4.1\"\n\n",
            "price = \"gpt-4.1\"\n\n",
            "providers.azure-eu.models.\"gpt-41-eu\".price: it must be a provider and a model of the price table, as openai/gpt-4.1",
        ),
        ("{ provider = \"azure-eu\",", "{ provider = \"azure\",", "aliases.assistant.tiers[0].targets[1].provider: there is no provider of this name"),
        ("model = \"gpt-41-eu\" }", "model = \"gpt-5\" }", "aliases.assistant.tiers[0].targets[1].model: the provider has no model of this name"),
        (
            "{ provider = \"azure-eu\", model = \"gpt-41-eu\" }",
            "{ provider = \"openai\", model = \"gpt-4.1\" }",
            "aliases.assistant.tiers[0].targets[1]: this target is there already; weights say how often it is chosen",
        ),
        (
            "requires = [\"tools\"] ",
            "requires = [\"structured_output\"] ",
            "aliases.assistant.tiers[1].targets[0].model: the alias requires structured_output, which this model cannot do",
        ),
        ("{ provider = \"house\", model = \"qwen3-8b\" }", "", "aliases.assistant.tiers[2].targets: at least one is needed"),
        (
            "targets = [{ provider = \"house\", model = \"qwen3-8b\" }]",
            "targets = [{ provider = \"openai\", model = \"text-embedding-3-small\" }]",
            "aliases.assistant.tiers: models for chat and models only for embeddings cannot answer to the same name",
        ),
        ("requires = [\"embeddings\"]", "hedge_after_ms = 5", "aliases.embeddings.hedge_after_ms: there is no second target to ask"),
    ];
    for (line, other, told) in cases {
        assert!(problems(&with(line, other)).contains(&told.to_owned()), "{told}: {:?}", problems(&with(line, other)));
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = with("weight = 3", "weight = 0").replace("first_token_ms = 60_000", "idle_ms = 0").replace("model = \"claude-sonnet-4-5\"", "model = \"opus\"");
    assert_eq!(problems(&text).len(), 3, "{:?}", problems(&text));
}

#[test]
fn vectors_that_cannot_be_compared_do_not_answer_to_one_name() {
    let other = |vectors: &str| {
        let targets = "targets = [{ provider = \"openai\", model = \"text-embedding-3-small\" }, { provider = \"house\", model = \"minilm\" }]";
        let model = format!("[providers.house.models.minilm]\ncontext_window = 512\nchat = false\nembeddings = true\n{vectors}\n[aliases.embeddings]");
        with("targets = [{ provider = \"openai\", model = \"text-embedding-3-small\" }]", targets).replace("[aliases.embeddings]", &model)
    };
    assert_eq!(problems(&other("")), ["aliases.embeddings.tiers: the vectors of its models cannot be compared; where they can, say so with `vectors`"]);
    assert_eq!(problems(&other("vectors = \"text-embedding-3-small\"")), Vec::<String>::new());
}

#[test]
fn a_key_in_the_wrong_place_is_not_quoted() {
    let texts = [
        with("\"OPENAI_API_KEY\"", "\"sk-SECRET\""),
        with("weight = 3", "weight = \"sk-SECRET\""),
        with("http://10.0.0.5:8000/v1", "http://10.0.0.5:8000/v1?key=SECRET"),
        with("key_env = \"OPENAI_API_KEY\"", "key = \"sk-SECRET\""),
    ];
    for text in texts {
        let problems = problems(&text);
        assert!(!problems.is_empty() && !problems.concat().contains("SECRET"), "{problems:?}");
    }
}

#[test]
fn a_secret_comes_from_its_place_and_shows_itself_nowhere() {
    use secrecy::ExposeSecret;

    let folder = std::env::temp_dir().join(format!("steward-secret-{}", std::process::id()));
    std::fs::write(&folder, "from-file\n").unwrap();
    let environment = |name: &str| match name {
        "GOOD" => Some("from-env".to_owned()),
        "BAD" => Some("two SECRET words".to_owned()),
        _ => None,
    };
    let credential = |key_env: Option<&str>, key_file: Option<&std::path::Path>| Credential {
        name: "main".to_owned(),
        weight: 1,
        key_env: key_env.map(str::to_owned),
        key_file: key_file.map(Into::into),
        key: None,
    };
    let key = |credential: Credential| credential.secret(&environment).map(|key| key.expose_secret().to_owned());
    assert_eq!(key(credential(Some("GOOD"), None)).ok().as_deref(), Some("from-env"));
    assert_eq!(key(credential(None, Some(&folder))).ok().as_deref(), Some("from-file"));
    std::fs::remove_file(&folder).unwrap();
    let fails = |credential: Credential| key(credential).err().map(|no| (no.field, no.message)).unwrap();
    assert_eq!(fails(credential(Some("ABSENT"), None)), ("key_env", "the environment variable ABSENT is not set".to_owned()));
    assert!(!fails(credential(Some("BAD"), None)).1.contains("SECRET"));
    assert_eq!(fails(credential(None, Some(&folder))).0, "key_file");
    let given = Credential { key: Some("SECRET".into()), ..credential(None, None) };
    assert!(!format!("{given:?}").contains("SECRET"));
}
