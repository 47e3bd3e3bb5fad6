//! Units of measure after a number: which unit it is, and what it measures.

use super::Language;
use crate::span::Span;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A unit of measure.
#[derive(Debug, PartialEq)]
pub struct Unit {
    /// Symbol of the unit, such as `km`; of a speed, that of its length.
    pub symbol: &'static str,
    /// Dimension: units of one dimension can be converted into each other.
    dimension: Dimension,
    /// Size of the unit, in the first unit of its dimension in `UNITS`.
    size: f64,
    /// Thai names, separated by white space.
    thai: &'static str,
    /// English names in lower case, separated by commas.
    english: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dimension {
    Length,
    Area,
    Mass,
    Volume,
    Temperature,
    Seconds,
    Months,
    Power,
    Bytes,
}
use Dimension::{Area, Bytes, Length, Mass, Months, Power, Seconds, Temperature, Volume};

const fn unit(
    symbol: &'static str,
    dimension: Dimension,
    size: f64,
    thai: &'static str,
    english: &'static str,
) -> Unit {
    Unit {
        symbol,
        dimension,
        size,
        thai,
        english,
    }
}

static UNITS: &[Unit] = &[
    unit("m", Length, 1.0, "เมตร ม.", "m,metre,metres,meter,meters"),
    unit(
        "km",
        Length,
        1000.0,
        "กิโลเมตร กม. ก.ม.",
        "km,kms,kilometre,kilometres,kilometer,kilometers,kph,kmh",
    ),
    unit(
        "cm",
        Length,
        0.01,
        "เซนติเมตร ซม. ซ.ม.",
        "cm,centimetre,centimetres,centimeter,centimeters",
    ),
    unit(
        "mm",
        Length,
        0.001,
        "มิลลิเมตร มม. ม.ม.",
        "mm,millimetre,millimetres,millimeter,millimeters",
    ),
    unit("mi", Length, 1609.344, "ไมล์", "mi,mile,miles,mph"),
    unit("ft", Length, 0.3048, "ฟุต", "ft,foot,feet"),
    unit("in", Length, 0.0254, "นิ้ว", "inch,inches"),
    unit("yd", Length, 0.9144, "หลา", "yd,yard,yards"),
    unit(
        "m²",
        Area,
        1.0,
        "ตารางเมตร ตร.ม. ตรม.",
        "sqm,m²,m2,square metre,square metres,square meter,square meters,sq m",
    ),
    unit(
        "km²",
        Area,
        1e6,
        "ตารางกิโลเมตร ตร.กม.",
        "km²,km2,square kilometre,square kilometres,square kilometer,square kilometers,square km,sq km",
    ),
    unit("mi²", Area, 2_589_988.0, "ตารางไมล์", "square mile,square miles,sq mi"),
    unit("ft²", Area, 0.092_903, "ตารางฟุต", "square foot,square feet,sq ft"),
    unit("rai", Area, 1600.0, "ไร่", "rai"),
    unit("wa²", Area, 4.0, "ตารางวา ตร.ว.", "square wa,square wah"),
    unit("ha", Area, 10_000.0, "เฮกตาร์ เฮกเตอร์", "ha,hectare,hectares"),
    unit("ac", Area, 4046.86, "เอเคอร์", "acre,acres"),
    unit(
        "kg",
        Mass,
        1.0,
        "กิโลกรัม กก. ก.ก.",
        "kg,kgs,kilogram,kilograms,kilogramme,kilogrammes",
    ),
    unit("g", Mass, 0.001, "กรัม", "g,gram,grams,gramme,grammes"),
    unit("mg", Mass, 1e-6, "มิลลิกรัม มก.", "mg,milligram,milligrams"),
    unit("t", Mass, 1000.0, "ตัน", "ton,tons,tonne,tonnes,metric ton,metric tons"),
    unit("lb", Mass, 0.453_592, "", "lb,lbs"),
    unit("oz", Mass, 0.028_35, "ออนซ์", "oz,ounce,ounces"),
    unit("l", Volume, 1.0, "ลิตร", "l,litre,litres,liter,liters"),
    unit(
        "ml",
        Volume,
        0.001,
        "มิลลิลิตร มล.",
        "ml,millilitre,millilitres,milliliter,milliliters",
    ),
    unit("gal", Volume, 3.785, "แกลลอน", "gallon,gallons"),
    unit("bbl", Volume, 158.987, "บาร์เรล", "barrel,barrels"),
    unit(
        "m³",
        Volume,
        1000.0,
        "ลูกบาศก์เมตร ลบ.ม.",
        "m³,m3,cubic metre,cubic metres,cubic meter,cubic meters",
    ),
    unit(
        "°C",
        Temperature,
        1.0,
        "องศาเซลเซียส °C",
        "°c,degrees celsius,degree celsius,degrees centigrade",
    ),
    unit(
        "°F",
        Temperature,
        1.0,
        "องศาฟาเรนไฮต์ องศาฟาเรนไฮท์ °F",
        "°f,degrees fahrenheit,degree fahrenheit",
    ),
    unit("s", Seconds, 1.0, "วินาที", "sec,secs,second,seconds"),
    unit("ms", Seconds, 0.001, "มิลลิวินาที", "ms,millisecond,milliseconds"),
    unit("min", Seconds, 60.0, "นาที", "min,mins,minute,minutes"),
    unit("h", Seconds, 3600.0, "ชั่วโมง ชม.", "hr,hrs,hour,hours"),
    unit("days", Seconds, 86_400.0, "วัน", "day,days"),
    unit("weeks", Seconds, 604_800.0, "สัปดาห์ อาทิตย์", "week,weeks"),
    unit("months", Months, 1.0, "เดือน", "month,months"),
    unit("years", Months, 12.0, "ปี ขวบ พรรษา", "yr,yrs,year,years"),
    unit("decades", Months, 120.0, "ทศวรรษ", "decade,decades"),
    unit("centuries", Months, 1200.0, "ศตวรรษ", "century,centuries"),
    unit("W", Power, 1.0, "วัตต์", "watt,watts"),
    unit("kW", Power, 1e3, "กิโลวัตต์", "kw,kilowatt,kilowatts"),
    unit("MW", Power, 1e6, "เมกะวัตต์ เมกกะวัตต์", "mw,megawatt,megawatts"),
    unit("GW", Power, 1e9, "กิกะวัตต์", "gw,gigawatt,gigawatts"),
    unit("kB", Bytes, 1e3, "กิโลไบต์", "kb,kilobyte,kilobytes"),
    unit("MB", Bytes, 1e6, "เมกะไบต์", "mb,megabyte,megabytes"),
    unit("GB", Bytes, 1e9, "กิกะไบต์", "gb,gigabyte,gigabytes"),
    unit("TB", Bytes, 1e12, "เทราไบต์", "tb,terabyte,terabytes"),
];

/// Thai words that begin like a unit but are none: ฟุตบอล (football) begins like ฟุต (foot).
const NOT_UNITS: &[&str] = &[
    "ฟุตบอล",
    "ฟุตซอล",
    "หลาย",
    "หลาน",
    "หลาก",
    "ม.ค.",
    "ม.มหิดล",
    "วันที่ ",
    "ปีก",
    "ตันติ",
    "เมตริก",
    "เดือนที่ ",
];

impl Unit {
    /// Whether `amount` in this unit is about `other` in the unit `unit`, as converted values are: within 6 %.
    pub fn converts(&self, amount: f64, unit: &Self, other: f64) -> bool {
        self != unit
            && self.dimension == unit.dimension
            && match self.dimension {
                Temperature => {
                    let fahrenheit = |celsius: f64| celsius * 1.8 + 32.0;
                    if self.symbol == "°C" {
                        (fahrenheit(amount) - other).abs() <= 2.0
                    } else {
                        (fahrenheit(other) - amount).abs() <= 2.0
                    }
                }
                _ => (amount * self.size - other * unit.size).abs() <= 0.06 * amount * self.size,
            }
    }

    /// Whether `amount` in this unit of time is exactly `other` in the unit `unit`: 48 hours are 2 days.
    pub fn is_same_duration(&self, amount: f64, unit: &Self, other: f64) -> bool {
        self.dimension == unit.dimension
            && matches!(self.dimension, Seconds | Months)
            && (amount * self.size - other * unit.size).abs() < 1e-6
    }
}

/// Returns the unit at the start of `rest`, the text after a number.
pub fn find_unit(rest: &str, language: Language) -> Option<&'static Unit> {
    let rest = rest
        .strip_prefix(['-', '‑', '–'])
        .unwrap_or_else(|| rest.trim_start_matches([' ', '\u{a0}']));
    match language {
        Language::Thai if rest.starts_with(crate::thai::is_letter) => find_thai_unit(rest),
        _ => find_english_unit(rest),
    }
}

/// The form of an English name of a unit.
#[derive(PartialEq)]
enum NameForm {
    /// In short, as `km`.
    Short,
    Singular,
    Plural,
}

impl NameForm {
    fn of_name(name: &str) -> Self {
        match name {
            "feet" | "inches" => Self::Plural,
            "foot" | "day" | "rai" | "ton" => Self::Singular,
            _ if name.len() <= 3 || name.starts_with("sq ") => Self::Short,
            _ if name.ends_with('s') => Self::Plural,
            _ => Self::Singular,
        }
    }
}

/// Finds another name for the unit after a number of an English text that ends at byte `number_end`: that of the unit
/// with the symbol `to` in place of that with the symbol `from`, in short, in the singular or in the plural as the old
/// name is. Returns the place of the old name and the new name; none if the units measure different things, or have no
/// names of the same form.
pub fn rename_english_unit(text: &str, number_end: usize, from: &str, to: &str) -> Option<(Span, &'static str)> {
    let find = |symbol: &str| UNITS.iter().find(|unit| unit.symbol == symbol);
    let (from, to) = (find(from)?, find(to)?);
    let rest = text[number_end..].trim_start_matches([' ', '\u{a0}', '-', '‑', '–']);
    let start = text.len() - rest.len();
    let is_here = |name: &&str| {
        rest.get(..name.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(name))
            && !rest[name.len()..].starts_with(char::is_alphanumeric)
    };
    let old = from.english.split(',').filter(is_here).max_by_key(|name| name.len())?;
    let is_british = |name: &str| ["metre", "litre", "gramme"].iter().any(|part| name.contains(part));
    let mut names = to
        .english
        .split(',')
        .filter(|name| NameForm::of_name(name) == NameForm::of_name(old));
    let first = names.clone().next()?;
    let name = names.find(|name| is_british(name) == is_british(old)).unwrap_or(first);
    (from.dimension == to.dimension).then(|| (Span::new(start, start + old.len()), name))
}

fn find_thai_unit(rest: &str) -> Option<&'static Unit> {
    if NOT_UNITS.iter().any(|word| rest.starts_with(word)) {
        return None;
    }
    UNITS
        .iter()
        .flat_map(|unit| unit.thai.split_whitespace().map(move |name| (unit, name)))
        .filter(|(_, name)| rest.starts_with(name))
        .max_by_key(|(_, name)| name.len())
        .map(|(unit, _)| unit)
}

fn find_english_unit(rest: &str) -> Option<&'static Unit> {
    static NAMES: LazyLock<HashMap<&str, &Unit>> = LazyLock::new(|| {
        UNITS
            .iter()
            .flat_map(|unit| unit.english.split(',').map(move |name| (name, unit)))
            .collect()
    });
    let is_part = |c: char| c.is_alphabetic() || matches!(c, '°' | '²' | '³');
    let word_end = |at: usize| {
        rest[at..]
            .find(|c: char| !is_part(c))
            .map_or(rest.len(), |len| at + len)
    };
    let first = word_end(0);
    let mut end = first;
    // The digit of m2 and km2.
    if matches!(&rest[..first], "m" | "km")
        && rest[first..].starts_with(['2', '3'])
        && !rest[first + 1..].starts_with(|c: char| c.is_ascii_digit())
    {
        end += 1;
    } else if matches!(
        rest[..first].to_lowercase().as_str(),
        "square" | "sq" | "cubic" | "degree" | "degrees" | "metric"
    ) {
        let after = rest[first..].strip_prefix('.').map_or(first, |_| first + 1);
        if rest[after..].starts_with([' ', '-']) {
            end = word_end(after + 1);
            let name = format!("{} {}", &rest[..first], &rest[after + 1..end]).to_lowercase();
            return NAMES.get(name.as_str()).copied();
        }
    }
    if end > 16 {
        return None;
    }
    NAMES.get(rest[..end].to_lowercase().as_str()).copied()
}
