use super::*;
fn company(name: &str, call: &Value) -> Value {
    if name != "query" {
        return json!({ "proposal": { "id": "p" } });
    }
    let records: Vec<(String, String)> =
        std::fs::read_to_string("/tmp/records.txt").unwrap().lines().filter_map(|l| l.split_once('|').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect();
    let part = |path: &str| call.pointer(path).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let (resource, field, begins, op) = (part("/resource"), part("/filters/0/path"), part("/filters/0/values/0"), part("/filters/0/op"));
    let found = records.iter().filter(|(of, title)| {
        *of == resource && (op == "starts" && title.to_lowercase().starts_with(&begins) || op == "eq" && (title.to_lowercase() == begins || field == "id"))
    });
    json!({ "kind": "list", "items": found.map(|(_, title)| json!({ "id": format!("<{title}>"), "title": title, field.clone(): title })).collect::<Vec<_>>() })
}
#[test]
fn offline() {
    for line in std::fs::read_to_string("/tmp/sentences.txt").unwrap().lines().filter(|l| !l.is_empty()) {
        let (language, text) = line.split_once('|').unwrap();
        let tools: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(format!("/tmp/t-{language}.json")).unwrap()).unwrap();
        let tools: Vec<_> = tools.into_iter().map(|t| Arc::new(Tool::new(t["name"].as_str().unwrap(), "", t["parameters"].clone()))).collect();
        let (mut calls, said) = run_over(tools, company, text);
        let (name, call) = calls.pop().unwrap_or_default();
        let end = match name.as_str() {
            "propose" => call["steps"].to_string(),
            "ask" => format!("ASK {}", call["text"]),
            _ => format!("SAY {said}"),
        };
        println!("{text}\n     {end}");
    }
}
