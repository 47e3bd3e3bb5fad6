//! Tests of templates that ask for too much, and of the rewriting of their source. What templates render to is held
//! against transformers in `chat.rs`.

use super::*;
use minijinja::context;
use proptest::prelude::*;

/// Renders a template for a conversation of one request.
fn render_one(text: &str) -> Result<String, Error> {
    let messages = vec![context! { role => "user", content => "{prompt}" }];
    let mut all = render(text, vec![context! { messages, add_generation_prompt => true }])?;
    all.swap_remove(0)
}

/// Issue 19, kind 26: each of these aborted, hung or filled the memory, or would without its limit.
#[test]
fn a_template_that_asks_for_too_much_is_refused() {
    let nested = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(300) %}{% set ns.x = [ns.x] %}{% endfor %}";
    let cases = [
        (format!("{{{{ {}1 }}}}", "-".repeat(200_000)), "a tag of 200001 tokens"),
        (format!("{{{{ {}1 }}}}", "not ".repeat(200_000)), "a tag of 200001 tokens"),
        (format!("a\n{{{{ 1{} }}}}", "+1".repeat(100_000)), "line 2: a tag of 200001 tokens"),
        (format!("{{{{ a{} }}}}", ".b".repeat(100_000)), "a tag of 200001 tokens"),
        (format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(100_000)), "more than 500 `elif` tags"),
        (format!("{}1", "{% if true %}".repeat(5_000)), "recursion"),
        ("{{ 'a' * 10**9 }}".to_owned(), "fuel"),
        ("{% set x = [1] * 10**9 %}{{ x | list | length }}".to_owned(), ""),
        ("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}".to_owned(), "fuel"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}".to_owned(), "fuel"),
        ("{% for a in range(10**9) %}{% endfor %}".to_owned(), ""),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned(), "recursion"),
        ("{{ '%1000000000d' % 1 }}".to_owned(), "fuel"),
        ("{{ '{:1000000000}'.format(1) }}".to_owned(), "a field wider than 10000"),
        ("{{ '1'.zfill(10**9) }}".to_owned(), "a field of 1000000000 characters"),
        ("{{ 'a'.center(10**9) }}".to_owned(), "a field of 1000000000 characters"),
        ("{{ [1] | tojson(indent=10**9) }}".to_owned(), "an indent of 1000000000"),
        (format!("{nested}{{{{ ns.x | tojson }}}}"), "more than 100 levels"),
        ("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}".to_owned(), "stored in a namespace"),
        ("{% macro m(a, b) %}{% set a.x = {'b': b} %}{% endmacro %}{% set ns = namespace() %}{{ m(ns, ns) }}{{ ns }}".to_owned(), "stored in a namespace"),
        ("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}".to_owned(), "fuel"),
    ];
    for (text, expected) in cases {
        let start: String = text.chars().take(60).collect();
        let error = render_one(&text).expect_err(&start);
        assert!(error.to_string().contains(expected), "{start}: {error}");
    }
    for harmless in [
        format!("{nested}{{{{ ns.x | length }}}}"),
        format!("{{{{ {}1 }}}}", "-".repeat(900)),
    ] {
        let _ = render_one(&harmless);
    }
}

/// Issue 19, kind 26: lists that hold one list twice, and so on, would be compared for years.
#[test]
fn a_template_that_takes_too_long_is_given_up() {
    let double = "{% set x = [x, x] %}{% set y = [y, y] %}".repeat(31);
    let text = format!("{{% set x = [1] %}}{{% set y = [1] %}}{double}{{{{ x == y }}}}");
    let error = render_one(&text).expect_err("too long");
    assert!(error.to_string().contains("more than 5 seconds"), "{error}");
}

#[test]
fn what_python_does_with_percent_signs_is_done() {
    let cases = [
        ("{{ '%s-%s' % ('a', 2) }}", "a-2"),
        (
            "{{ words % 'x' }}|{{ 2 * 7 % 4 }}|{{ 7 - 8 % 3 }}|{{ -7 % 3 }}",
            "<x>|2|5|2",
        ),
        ("{{ '%' }}{{ '%s' % ('%d' % 3) }}", "%3"),
        (
            "{% set a = 5 %}{% if a % 2 == 1 %}odd{% endif %}{{ (a) % 2 }}{{ [a][0] % 3 }}",
            "odd12",
        ),
        (
            "{{ '%s' % messages[0].role | upper }}{{ '%.1f%%' % -1.25 }}",
            "USER-1.2%",
        ),
        (
            "{# '%s' % 1 #}{% raw %}{{ '%s' % 1 }}{% endraw %}{{ {'a': '}}'}['a'] }}",
            "{{ '%s' % 1 }}}}",
        ),
        (
            "{% generation %}a{% endgeneration %}{%- generation -%} b {%- endgeneration %}",
            "ab",
        ),
        (
            "{{ 'x'.rsplit('a', maxsplit=1) }}{{ 'a b  c'.rsplit(none, 1) }}",
            "['x']['a b', 'c']",
        ),
    ];
    for (text, expected) in cases {
        let text = format!("{{% set words = '<%s>' %}}{text}");
        assert_eq!(render_one(&text).expect(&text), expected, "{text}");
    }
    let error = render_one("{{ 1 % 0 }}").expect_err("a division");
    assert!(error.to_string().contains("modulo by zero"), "{error}");
    let error = render_one("{% set a = [1] %}{{ a.append(2) }}").expect_err("a change");
    assert!(error.to_string().contains("may not do"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_template_is_rendered_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{%", "%}", "{#", "#}", " ", "'", "\"", "(", ")", "[", "]", "{", "}", "%", "a", "1", "ก", ".", "|", "-",
            "if", "else", "for x in", "endif", "endfor", "raw", "endraw", "generation", "messages", "\\", ",", "=", "*", "set",
        ]), 0..40),
    ) {
        let _ = render_one(&parts.concat());
    }
}
