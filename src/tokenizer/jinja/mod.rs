//! Jinja environment of chat templates: what transformers gives to templates, and what Python's strings and lists can do.
//!
//! minijinja renders the templates. It counts every instruction and every byte that a template makes as fuel; what it
//! lacks is here: Python's methods ([`methods`]), `tojson` ([`json`]), and `%` between strings ([`source`]).

mod failure;
mod json;
mod methods;
mod source;

use failure::failure;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Tuple, Value, ValueKind};
use minijinja::{Environment, Error, State};
use std::sync::mpsc;
use std::time::Duration;

/// The fuel of one rendering. An instruction and 64 bytes of text cost one each, so a rendering makes 6 MB at most. The
/// longest of 70 chat templates of known models needs less than a hundredth.
const MAX_FUEL: u64 = 100_000;

/// The stack in bytes on which templates are compiled and rendered: enough for the deepest values that the fuel allows.
const STACK_BYTES: usize = 64 << 20;

/// The time after which a template is given up. Fuel bounds almost all that a template can do, but not the printing and comparing of
/// lists that hold one list twice, and so on 60 times. A known template takes a thousandth of a second.
const MAX_TIME: Duration = Duration::from_secs(5);

/// Renders a template once for each of `contexts`, the values of its variables. The result has one rendering for each.
///
/// # Errors
/// Errors if the template cannot be parsed or takes too long. The rendering of one context may fail by itself.
pub fn render(text: &str, contexts: Vec<Value>) -> Result<Vec<Result<String, Error>>, Error> {
    let text = source::prepare(text)?;
    let render_all = move || {
        let environment = make_environment()?;
        let template = environment.template_from_str(&text)?;
        Ok(contexts.into_iter().map(|context| template.render(context)).collect())
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    // The thread of a template that takes too long is left behind: a thread cannot be stopped.
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || sender.send(render_all()))
        .map_err(|e| failure(e.to_string()))?;
    match receiver.recv_timeout(MAX_TIME) {
        Ok(rendered) => rendered,
        Err(_) => Err(failure(format!("it takes more than {} seconds", MAX_TIME.as_secs()))),
    }
}

/// Makes the Jinja environment, with the settings and functions that transformers gives to templates.
fn make_environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(MAX_FUEL));
    environment.set_unknown_method_callback(methods::call);
    environment.add_filter("tojson", json::to_json);
    environment.add_filter("python_modulo", modulo);
    environment.add_filter("storable", check_storable);
    environment.add_filter("wordcount", |text: &str| text.split_whitespace().count());
    // minijinja takes `none` for an empty list, and has no test for functions.
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    environment.add_function("raise_exception", |message: Rest<Value>| -> Result<Value, Error> {
        Err(failure(message.first().map(Value::to_string).unwrap_or_default()))
    });
    environment.add_function("strftime_now", |format: &str| -> Result<String, Error> {
        let now = jiff::fmt::strtime::format(format, &jiff::Zoned::now());
        now.map_err(|e| failure(e.to_string()))
    });
    Ok(environment)
}

/// Returns `value` itself, if it may be stored in a namespace.
///
/// # Errors
/// Errors for a namespace, and for a value that holds one or holds more than the fuel allows.
fn check_storable(state: &mut State, value: Value) -> Result<Value, Error> {
    let mut unchecked = vec![value.clone()];
    while let Some(next) = unchecked.pop() {
        state.consume_fuel(1)?;
        if next
            .as_object()
            .is_some_and(|object| object.type_name().ends_with("::Namespace"))
        {
            return Err(failure("a namespace is stored in a namespace".into()));
        }
        match next.kind() {
            ValueKind::Seq => unchecked.extend(next.try_iter()?),
            ValueKind::Map => {
                for key in next.try_iter()? {
                    unchecked.push(next.get_item(&key)?);
                }
            }
            _ => {}
        }
    }
    Ok(value)
}

/// Computes `left % right` as Python does: formats a string, or divides numbers.
fn modulo(state: &mut State, left: &Value, right: Value) -> Result<Value, Error> {
    if left.kind() == ValueKind::String {
        let values: Vec<Value> = match right.downcast_object_ref::<Tuple>() {
            Some(_) => right.try_iter()?.collect(),
            None => vec![right],
        };
        let arguments: Vec<Value> = std::iter::once(left.clone()).chain(values).collect();
        return state.apply_filter("format", &arguments);
    }
    if let (Ok(left), Ok(right)) = (i64::try_from(left.clone()), i64::try_from(right.clone())) {
        // Python's remainder has the sign of the divisor.
        let remainder = left
            .checked_rem(right)
            .ok_or_else(|| failure("modulo by zero".into()))?;
        let differs = remainder != 0 && (remainder < 0) != (right < 0);
        return Ok(Value::from(if differs { remainder + right } else { remainder }));
    }
    match (f64::try_from(left.clone()), f64::try_from(right.clone())) {
        (Ok(left), Ok(right)) if right != 0.0 => Ok(Value::from(left - right * (left / right).floor())),
        _ => Err(failure(format!("`%` of {} and {}", left.kind(), right.kind()))),
    }
}

#[cfg(test)]
mod tests;
