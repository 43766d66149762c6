//! Trial 14: groups of variables, takes from a column or a template, budgets with a sign.

use super::{ids, load_files, yaml};

fn prompt(shot: &rushes::domain::shot::Shot) -> String {
    let request: serde_json::Value = serde_json::from_str(&shot.request.json).unwrap();
    request["prompt"].as_str().unwrap().to_owned()
}

#[test]
fn variables_stand_in_groups() {
    let head = "vars:\n  characters: {mia: a girl in a red coat, tom: {short: Tom, age: 9}}\n  flags: {night: off, n: 5.0}\n\
                defaults: {model: kling-v3}\nshots:\n";
    for (text, expected) in [
        ("{{ characters.mia }} runs", "a girl in a red coat runs"),
        ("{{ characters.tom.short }}, {{ characters.tom.age + 1 }}", "Tom, 10"),
        ("{{ 'dark' if flags.night else 'bright' }} {{ flags.night }}", "bright off"),
        ("{{ characters[\\\"mia\\\"] }}", "a girl in a red coat"),
        ("{% for name in characters %}{{ name }} {% endfor %}", "mia tom "),
    ] {
        let campaign = yaml(&format!("{head}  - {{id: a, prompt: \"{text}\"}}\n"));
        let campaign = campaign.unwrap_or_else(|mistakes| panic!("{text}: {mistakes}"));
        assert_eq!(prompt(&campaign.shots[0]).trim(), expected.trim(), "{text}");
    }
    // `5.0` is 5, in groups too.
    let of = |n: &str| {
        let text = format!("{head}  - {{id: a, prompt: 'x {{{{ flags.n }}}}'}}\n");
        yaml(&text.replace("5.0", n)).unwrap().shots.remove(0).fingerprint
    };
    assert_eq!(of("5.0"), of("5"));
    assert_ne!(of("5.0"), of("6"));
}

#[test]
fn takes_come_from_a_column_or_a_template() {
    let table = "id,prompt,Qty,takes_of\na,x,2,1\nb,y,1,3.0\n";
    let of = |entry: &str| {
        let manifest = format!(
            "campaign: c\nvars: {{n: 2}}\ndefaults: {{model: kling-v3}}\nshots:\n  - {{{entry}}}\n"
        );
        let files = [("shots.yaml", manifest.as_bytes()), ("rows.csv", table.as_bytes())];
        ids(&load_files(&files).unwrap_or_else(|mistakes| panic!("{entry}: {mistakes}")))
    };
    let rows = "id: s, from: rows.csv, ignore: takes_of";
    assert_eq!(of(&format!("{rows}, columns: {{takes: Qty}}")), ["s-a", "s-a-t2", "s-b"]);
    assert_eq!(
        of(&format!("{rows}, takes: '{{{{ Qty + 1 }}}}'")),
        ["s-a", "s-a-t2", "s-a-t3", "s-b", "s-b-t2"]
    );
    let other = "id: s, from: rows.csv, ignore: Qty, takes: '{{ takes_of }}'";
    assert_eq!(of(other), ["s-a", "s-b", "s-b-t2", "s-b-t3"]);
    let matrix = "id: s, prompt: '{{ look }}', matrix: {look: [warm, cold]}, takes: \"{{ n if look == 'warm' else 1 }}\"";
    assert_eq!(of(matrix), ["s-warm", "s-warm-t2", "s-cold"]);
}

#[test]
fn a_budget_may_say_that_it_is_in_dollars() {
    let cap = |budget: &str| {
        let text = format!("budget: {budget}\nshots: [{{id: a, model: kling-v3, prompt: x}}]\n");
        yaml(&text).map(|campaign| campaign.header.budget.unwrap().cap.unwrap().to_string())
    };
    for budget in
        ["$40", "40 USD", "'40$'", "US$ 40", "USD 40", "40 dollars", "{cap: $40}", "\"40.00\""]
    {
        assert_eq!(
            cap(budget).unwrap_or_else(|mistakes| panic!("{mistakes}")),
            "40.00",
            "{budget}"
        );
    }
    for budget in ["€40", "40 EUR", "$", "$-4", "4$0", "$0"] {
        assert_eq!(cap(budget).unwrap_err().count, 1, "{budget}");
    }
}
