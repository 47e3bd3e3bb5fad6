//! Tests of writing: what is written is read as the same value, and only what differs is written anew.

use super::super::{Date, Language, Time, find_quantities};
use super::*;
use crate::span::Span;
use proptest::prelude::*;

fn quantity(value: QuantityValue, second: Option<QuantityValue>) -> Quantity {
    Quantity {
        span: Span::new(0, 0),
        value,
        second,
        precision: QuantityPrecision::Exact,
        has_digits: true,
    }
}

/// Whether an English sentence with `form` in it is read as having the values of `quantity`, and no others.
fn is_read_back(form: &str, quantity: &Quantity) -> bool {
    let sentence = format!("It was reported in {form}, and nothing else.");
    let found = find_quantities(&sentence, Language::English);
    let agrees =
        |value: &QuantityValue, other: &Quantity| other.one_or_two_values().any(|other| value.agrees_with(other));
    quantity
        .one_or_two_values()
        .all(|value| found.iter().any(|other| agrees(value, other)))
        && found
            .iter()
            .flat_map(Quantity::one_or_two_values)
            .all(|value| agrees(value, quantity))
}

fn value() -> impl Strategy<Value = QuantityValue> {
    use QuantityValue as V;
    let amount = || {
        prop_oneof![
            (0u64..100_000).prop_map(Amount::from_integer),
            (1u64..10_000, 0u32..13).prop_map(|(n, zeros)| Amount::from_integer(n * 10u64.pow(zeros))),
            (1u128..100_000, 1u32..4).prop_map(|(n, places)| Amount::from_ratio(n, 10u128.pow(places)).unwrap()),
        ]
    };
    let currency = prop::sample::select(vec![
        "THB", "USD", "SGD", "AUD", "CAD", "HKD", "NZD", "TWD", "CNY", "EUR", "GBP", "JPY", "INR", "RUB", "IDR", "MYR",
        "LAK", "MMK", "VND", "PHP", "CHF",
    ]);
    let date = (
        prop::option::of(1850i32..2100),
        prop::option::of(1u8..=12),
        prop::option::of(1u8..=28),
        prop::option::of(1u8..=7),
    );
    prop_oneof![
        amount().prop_map(V::Number),
        (2u64..200).prop_map(V::Ordinal),
        (1u64..9, 2u64..12).prop_filter_map("part of a whole", |(part, whole)| {
            (part < whole).then_some(V::Fraction(part, whole))
        }),
        amount().prop_map(V::Percent),
        amount().prop_map(V::PercentagePoints),
        (amount(), currency).prop_map(|(amount, currency)| V::Money(amount, currency)),
        (0u8..24, 0u8..60).prop_map(|(hour, minute)| V::Time(Time {
            hour,
            minute,
            is_half_known: true
        })),
        date.prop_filter_map("a date that people write", |(year, month, day, weekday)| {
            let is_usual = match (month, day) {
                (None, Some(_)) => year.is_none() && weekday.is_none(),
                (None, None) => year.is_some() != weekday.is_some(),
                (Some(_), None) => weekday.is_none(),
                _ => true,
            };
            is_usual.then_some(V::Date(Date {
                year,
                month,
                day,
                weekday,
            }))
        }),
        (185i32..205).prop_map(|year| V::Decade(year * 10)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn forms_are_read_back(value in value()) {
        let quantity = quantity(value, None);
        for form in english_forms(&quantity) {
            prop_assert!(is_read_back(&form, &quantity), "{quantity}: {form}");
        }
    }

    #[test]
    fn any_text_is_rewritten_without_a_panic(old in any::<String>(), new in any::<String>(), value in value()) {
        let wanted = quantity(value, None);
        for found in find_quantities(&old, Language::English) {
            let _ = write_in_style(&wanted, "", &found, found.span.of(&old));
        }
        for found in find_quantities(&new, Language::Thai) {
            let _ = english_forms(&found);
            let _ = write_in_style(&wanted, "", &found, found.span.of(&new));
        }
    }
}

#[test]
fn each_kind_has_its_usual_forms() {
    let forms = |thai: &str| {
        let found = find_quantities(thai, Language::Thai);
        assert_eq!(found.len(), 1, "{thai}: {found:?}");
        english_forms(&found[0])
    };
    for (thai, expected) in [
        (
            "วันที่ 9 พฤศจิกายน 2566",
            &[
                "9 November 2023",
                "November 9, 2023",
                "9 Nov. 2023",
                "Nov 9, 2023",
                "2023-11-09",
                "09/11/2023",
            ][..],
        ),
        (
            "วันพฤหัสบดีที่ 9 พ.ย. 66",
            &["Thursday, 9 November 2023", "Thursday, November 9, 2023"],
        ),
        ("วันที่ 8-10 พฤศจิกายน 2566", &["8-10 November 2023", "November 8-10, 2023"]),
        ("พฤษภาคม 2567", &["May 2024"]),
        (
            "3 แสนล้านบาท",
            &["300 billion baht", "300,000,000,000 baht", "฿300 billion"],
        ),
        ("12,500 บาท", &["12,500 baht", "12500 baht"]),
        ("5 ล้านดอลลาร์", &["$5 million", "5 million dollars", "US$5 million"]),
        ("ร้อยละ 25", &["25%", "25 percent", "25 per cent"]),
        ("เวลา 14.30 น.", &["14:30", "2:30 p.m."]),
        ("ครั้งที่ 3", &["3rd", "third"]),
        ("โทร. 02-123-4567", &["02-123-4567", "021234567"]),
        ("3 ใน 4", &["three quarters", "3 out of 4"]),
        ("ร้อยละ 5-10", &["5-10%", "5 to 10 percent"]),
    ] {
        let found = forms(thai);
        assert_eq!(found[0], expected[0], "{thai}: {found:?}");
        for form in expected {
            assert!(found.contains(&form.to_string()), "{thai}: {form} is not in {found:?}");
        }
    }
}

#[test]
fn only_what_differs_is_written_anew() {
    let cases = [
        // Dates: month, day, weekday, year, each in the form that it has.
        (
            "วันพฤหัสบดี 09 พฤศจิกายน 2023",
            "Thursday, 09 January 2023",
            "Thursday, 09 November 2023",
        ),
        ("วันที่ 9 พฤศจิกายน 2566", "January 9, 2023", "November 9, 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "9 Jan. 2023", "9 Nov. 2023"),
        ("วันที่ 9 พฤษภาคม 2566", "9 Jan. 2023", "9 May 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "9 May 2023", "9 November 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "09/01/2023", "09/11/2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "2023-01-09", "2023-11-09"),
        ("วันที่ 23 พฤศจิกายน 2566", "22nd November, 2023", "23rd November, 2023"),
        (
            "วันที่ 23 พฤศจิกายน 2566",
            "the twenty-first of November 2023",
            "the twenty-third of November 2023",
        ),
        ("วันที่ 9 พฤศจิกายน 2566", "NOVEMBER 8, 2023", "NOVEMBER 9, 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "Nov 9, 2566", "Nov 9, 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "9 November B.E. 2567", "9 November B.E. 2566"),
        ("วันศุกร์ที่ 10 พฤศจิกายน 2566", "Thu, 9 Nov 2023", "Fri, 10 Nov 2023"),
        // The weekday of another day follows from the date.
        (
            "วันที่ 10 พฤศจิกายน 2566",
            "Thursday, 9 November 2023",
            "Friday, 10 November 2023",
        ),
        ("วันที่ 8-10 พฤศจิกายน 2566", "8-10 January 2023", "8-10 November 2023"),
        ("วันที่ 8-10 พฤศจิกายน", "November 8 to 11", "November 8 to 10"),
        ("พ.ศ. 2566", "2566", "2023"),
        // Numbers.
        ("3 แสนล้านบาท", "3 million baht", "300 billion baht"),
        ("3 แสนล้านบาท", "three million baht", "300 billion baht"),
        ("3 พันล้านบาท", "three million baht", "three billion baht"),
        ("12,500 คน", "1,250", "12,500"),
        ("12,500 คน", "1250", "12500"),
        ("12,500 คน", "15", "12,500"),
        ("5 คน", "Four", "Five"),
        ("เจ็ดสิบคน", "fifty", "seventy"),
        ("2.5 ล้านคน", "2.5 thousand", "2.5 million"),
        ("ร้อยละ 25", "52 percent", "25 percent"),
        ("ร้อยละ 25", "52%", "25%"),
        ("500 บาท", "$500", "500 baht"),
        ("5 ล้านดอลลาร์", "$5bn", "$5m"),
        ("เวลา 14.30 น.", "4:30 p.m.", "2:30 p.m."),
        ("เวลา 14.30 น.", "2:30 a.m.", "2:30 p.m."),
        ("เวลา 09.00 น.", "10 am", "9 am"),
        ("เวลา 14.30 น.", "14:00", "14:30"),
        ("ครั้งที่ 13", "3rd", "13th"),
        ("ครั้งที่ 13", "Third", "Thirteenth"),
        ("โทร. ๐๒-๑๒๓-๔๕๖๗", "02-123-4566", "02-123-4567"),
        ("ทศวรรษ 1990", "1980s", "1990s"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|&(thai, old, expected)| {
            let wanted = find_quantities(thai, Language::Thai);
            let found = find_quantities(old, Language::English);
            let ([wanted], [found]) = (&wanted[..], &found[..]) else {
                return Some(format!("{thai}: {wanted:?}; {old}: {found:?}"));
            };
            let before = &old[..found.span.start];
            let new = write_in_style(wanted, wanted.span.of(thai), found, found.span.of(old));
            let new = new.map(|new| format!("{before}{new}{}", &old[found.span.end..]));
            (new.as_deref() != Some(expected)).then(|| format!("{thai} for {old}: {new:?}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
