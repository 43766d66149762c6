//! What templates can say, what is wrong with those that are wrong, and that none does harm.

use minijinja::Value;
use rushes::manifest::template::{Engine, TemplateError, value};

fn get(name: &str) -> Option<Value> {
    match name {
        "mood" => Some(value("calm")),
        "n" => Some(value("7")),
        "flag" => Some(Value::from(true)),
        "tags" => Some(["night", "rain", "Night"].into_iter().collect()),
        "long" => Some(value(&"ab, ".repeat(50_000))),
        _ => None,
    }
}

fn render(text: &str) -> Result<String, TemplateError> {
    Engine::default().compile(text)?.render(&get)
}

#[test]
fn templates_say_what_people_expect() {
    for (text, expected) in [
        ("{{ mood }}, {{n}}\n", "calm, 7\n"),
        ("{{ mood | upper }} {{ 'Mug' | lower }} {{ 'a mug' | title }}", "CALM mug A Mug"),
        ("[{{ ' x ' | trim }}]{{ mood | replace('al', 'hur') }}", "[x]churm"),
        ("{{ missing | default('still') }} {{ n | default(1) }}", "still 7"),
        ("{{ tags | join(', ') }} {{ tags[0] }} {{ tags[-1] }}", "night, rain, Night night Night"),
        ("{{ tags | first }} {{ tags | length }} {{ 'a,b' | split(',') | last }}", "night 3 b"),
        ("{{ n + 1 }} {{ n * 2 }} {{ n / 2 }} {{ n // 2 }} {{ n % 4 }}", "8 14 3.5 3 3"),
        ("{{ 3.14159 | round(2) }} {{ '12' | int + 1 }} {{ mood ~ n }}", "3.14 13 calm7"),
        ("{% if n > 5 and mood == 'calm' %}yes{% else %}no{% endif %}", "yes"),
        ("{{ 'a' if n is even else 'b' }}{{ 'c' if 'rain' in tags }}", "bc"),
        (
            "{% for tag in tags if tag != 'rain' %}{{ loop.index }}{{ tag }} {% endfor %}",
            "1night 2Night ",
        ),
        ("{% if missing is defined %}a{% elif flag %}b{% endif %}{# nothing #}", "b"),
        ("{{ \"}}\" }}{{ '{{' }} } größe 🎬", "}}{{ } größe 🎬"),
    ] {
        assert_eq!(render(text).map_err(|wrong| wrong.what).as_deref(), Ok(expected), "{text}");
    }
}

/// A template, the part of it that is pointed at, and words of what is said.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, part, words) in [
        ("a {{ name } b", "{{", "never closed"),
        ("a {{ name", "{{", "never closed"),
        ("{# what", "{#", "never closed"),
        ("{{ 'x }}", "'", "quote is never closed"),
        ("{{ mood | uper }}", "uper", "did you mean `upper`?"),
        ("{{ mood | nonsense }}", "nonsense", "the filters are abs"),
        ("{% set x = 1 %}", "set", "`if` and `for`; `set`"),
        ("{% endfi %}", "endfi", "did you mean `endif`?"),
        ("{% include 'x' %}", "include", "`if` and `for`"),
        ("{{ [1] * 3 }}", "*", "not for lists"),
        ("{{ tags[5] }}", "tags[5]", "no value"),
        ("{{ mood[:3] }}", ":", "slices"),
        ("{{ mood / 2 }}", "mood / 2", ""),
        ("{{ shot name }}", "shot name", "columns: {shot_name: \"shot name\"}"),
        ("{{ Prompt (EN) }}", "Prompt (EN)", "write {{ prompt_en }}, a name"),
        ("{{ Shot # }}", "Shot #", "columns: {shot: \"Shot #\"}"),
    ] {
        let wrong = render(text).expect_err(text);
        let said = format!("{}; {}", wrong.what, wrong.fix.unwrap_or_default());
        assert_eq!(wrong.range.and_then(|range| text.get(range)), Some(part), "{text}: {said}");
        assert!(said.contains(words), "{text}: {said}");
    }
}

#[test]
fn hostile_templates_end_in_an_error() {
    let deep = |open: &str, inner: &str, close: &str, n: usize| {
        open.repeat(n) + inner + close.repeat(n).as_str()
    };
    for text in [
        "{% for a in long %}{% for b in long %}x{% endfor %}{% endfor %}".to_owned(),
        "{% for a in long|list %}{% for b in long|list %}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in long|list %}{{ long }}{% endfor %}".to_owned(),
        format!("{{{{ 'x' {} }}}}", "| replace('x', 'xxxxxxxxxx')".repeat(20)),
        format!("{{{{ tags {} }}}}", "| join(long) | list".repeat(20)),
        format!("{{{{ (long {}) | length }}}}", "~ long".repeat(100)),
        "{{ long | trim(long) }}".to_owned(),
        "{{ 'x' * 99999999 }}".to_owned(),
        "{{ '' ~ ([1]*100000000) }}".to_owned(),
        "{{ (n ~ n) * 99999999 }}".to_owned(),
        "{{ [[1] * 99999999] == [[2] * 99999999] }}".to_owned(),
        "{{ 10 ** 10 ** 10 }}".to_owned(),
        "{% for x in tags %}{{ loop.cycle() }}{% endfor %}".to_owned(),
        "{% set x = long %}".to_owned() + "{% set x = x ~ x %}".repeat(40).as_str(),
        "x".repeat(300_000) + "{{ n }}",
        deep("{{ ", "n", " }}", 10_000),
        format!("{{{{ {} }}}}", deep("(", "n", ")", 400)),
        format!("{{{{ {} }}}}", deep("(", "n", ")", 80_000)),
        format!("{{{{ {}n }}}}", "-".repeat(80_000)),
        format!("{{{{ n{} }}}}", "+1".repeat(100_000)),
        deep("{% if n %}", "x", "{% endif %}", 10_000),
        deep("{% for x in tags %}", "x", "{% endfor %}", 5_000),
        deep("{% if n %}", "", "", 1) + "{% elif n %}".repeat(6_000).as_str() + "{% endif %}",
        "{{".repeat(100_000),
        "{%".repeat(100_000),
        "{#".repeat(100_000),
        "{{ '".to_owned() + "\\".repeat(200_000).as_str(),
        "{{ 1 // 0 }}".to_owned(),
        "{{ 1 % 0 }}".to_owned(),
    ] {
        let start: String = text.chars().take(60).collect();
        let wrong = render(&text).expect_err(&start);
        assert!(wrong.what.len() < 300, "{start}: {wrong:?}");
    }
    // Long, but harmless.
    let sum = format!("{{{{ n{} }}}}", "+1".repeat(400));
    assert_eq!(render(&sum).unwrap(), "407");
}

#[test]
fn a_name_may_be_missing_where_the_template_says_what_then() {
    let engine = Engine::default();
    for (text, optional) in [
        ("{{ mood | default('calm') }}", true),
        ("{{ mood|d('a') }}{# mood #}{% if mood is defined %}x{% endif %}", true),
        ("{% if mood is not defined %}x{% endif %}", true),
        ("{{ mood }}", false),
        ("{{ mood | default('calm') }} {{ mood }}", false),
        ("{{ mood | upper | default('calm') }}", false),
    ] {
        let template = engine.compile(text).unwrap();
        assert_eq!(!template.optional.is_empty(), optional, "{text}");
    }
}
