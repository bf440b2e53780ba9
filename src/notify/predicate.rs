//! `when`: a CEL expression over `before` and `after`, compiled once.
//!
//! `numeric` columns are exact decimals that compare with each other, with whole numbers and with `dec("500.00")`, never with
//! floating point; `changed("status")` says whether an update changed a column.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::traits::Comparer;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelMap, CelMapKey, CelNull, CelString, CelUInt, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Context, ExecutionError, FunctionContext, IdedExpr, Program, Value};

use super::amount::{Amount, Decimal};

const BEFORE: &str = "before";
const AFTER: &str = "after";
const CHANGED: &str = "changed";
/// What `changed` asks, as a variable that no expression can name.
const CHANGED_COLUMNS: &str = "@changed";

/// A compiled expression.
#[derive(Debug)]
pub struct Predicate {
    program: Program,
    columns: BTreeSet<String>,
    old_columns: BTreeSet<String>,
}

/// A value of a column, typed.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedValue {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Decimal(Amount),
    Text(String),
}

/// What a predicate sees: a column that is not known is left out, and naming it is an error.
#[derive(Debug, Default)]
pub struct Operands {
    pub before: Vec<(String, TypedValue)>,
    pub after: Vec<(String, TypedValue)>,
    pub changed: Vec<String>,
}

/// Why an expression is none, or has no answer. Never with a value of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredicateError {
    #[error("not a CEL expression: {what}")]
    Syntax { line: usize, what: String },
    #[error("\"{name}\" is unknown; there are before, after, dec(x) and changed(\"column\")")]
    UnknownName { name: String },
    #[error("{name} is not a whole row: name a column, {name}.status")]
    WholeRow { name: String },
    #[error("changed takes the name of a column: changed(\"status\")")]
    ChangedArgument,
    #[error("the column \"{column}\" has no value here")]
    NoValue { column: String },
    #[error("the values have types that do not go together")]
    Types,
    #[error("the answer is not true or false")]
    NotBoolean,
    #[error("the expression could not be evaluated")]
    Evaluation,
}

impl PredicateError {
    /// In the expression, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Syntax { line, .. } => *line,
            Self::UnknownName { .. }
            | Self::WholeRow { .. }
            | Self::ChangedArgument
            | Self::NoValue { .. }
            | Self::Types
            | Self::NotBoolean
            | Self::Evaluation => 1,
        }
    }
}

impl Predicate {
    /// # Errors
    /// When it is no expression, or names what does not exist. Columns are checked by the caller, who knows the table.
    pub fn compile(text: &str) -> Result<Self, PredicateError> {
        let program = Program::compile(text).map_err(|errors| {
            let first = errors.errors.first();
            PredicateError::Syntax {
                line: first
                    .and_then(|error| usize::try_from(error.pos.0).ok())
                    .unwrap_or(1),
                what: first.map_or(String::new(), |error| error.msg.clone()),
            }
        })?;
        let mut names = Names::default();
        names.walk(program.expression())?;
        Ok(Self {
            program,
            columns: names.columns,
            old_columns: names.old_columns,
        })
    }

    /// The columns that it names.
    #[must_use]
    pub fn columns(&self) -> &BTreeSet<String> {
        &self.columns
    }

    /// Those of which it needs the old value; `has(before.status)` can do without.
    #[must_use]
    pub fn old_columns(&self) -> &BTreeSet<String> {
        &self.old_columns
    }

    /// Whether the row matches.
    ///
    /// # Errors
    /// When the expression has no answer for this row: such a row neither matches nor does not.
    pub fn matches(&self, scope: &Scope, operands: Operands) -> Result<bool, PredicateError> {
        let mut context = scope.0.new_inner_scope();
        context.add_variable_as_val(BEFORE, Box::new(map(operands.before)));
        context.add_variable_as_val(AFTER, Box::new(map(operands.after)));
        let changed = operands
            .changed
            .into_iter()
            .map(|name| (name, TypedValue::Null));
        context.add_variable_as_val(CHANGED_COLUMNS, Box::new(map(changed.collect())));
        match self.program.execute(&context) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(_) => Err(PredicateError::NotBoolean),
            Err(error) => Err(failure(&error)),
        }
    }
}

/// What [`Context::add_function`] takes for a function over any values.
type Function = Box<
    dyn for<'a, 'b> Fn(&mut FunctionContext<'a, 'b>) -> Result<CowVal<'a, 'b>, ExecutionError>
        + Send
        + Sync,
>;

/// The functions that every expression has; building it costs ten times an evaluation.
pub struct Scope(Context<'static, 'static>);

impl Default for Scope {
    fn default() -> Self {
        let mut context = Context::default();
        let dec: Function = Box::new(dec);
        context.add_function("dec", dec).expect("CEL has no dec");
        context
            .add_function(CHANGED, changed)
            .expect("CEL has no changed");
        Self(context)
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scope")
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "not ours to list: the crate adds kinds"
)]
fn failure(error: &ExecutionError) -> PredicateError {
    match error {
        ExecutionError::NoSuchKey(column) => PredicateError::NoValue {
            column: column.to_string(),
        },
        ExecutionError::UndeclaredReference(name) => PredicateError::UnknownName {
            name: name.to_string(),
        },
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::ValuesNotComparable(..)
        | ExecutionError::UnexpectedType { .. }
        | ExecutionError::UnsupportedBinaryOperator(..) => PredicateError::Types,
        _ => PredicateError::Evaluation,
    }
}

fn map(columns: Vec<(String, TypedValue)>) -> CelMap<'static> {
    let entries = columns
        .into_iter()
        .map(|(name, value)| (CelMapKey::from(name), boxed(value)));
    CelMap::from(entries.collect::<HashMap<_, _>>())
}

fn boxed(value: TypedValue) -> Box<dyn Val> {
    match value {
        TypedValue::Null => Box::new(CelNull),
        TypedValue::Bool(value) => Box::new(CelBool::from(value)),
        TypedValue::Integer(value) => Box::new(CelInt::from(value)),
        TypedValue::Float(value) => Box::new(CelDouble::from(value)),
        TypedValue::Decimal(value) => Box::new(DecimalValue(value)),
        TypedValue::Text(value) => Box::new(CelString::from(value)),
    }
}

fn dec<'a, 'b>(context: &mut FunctionContext<'a, 'b>) -> Result<CowVal<'a, 'b>, ExecutionError> {
    let [argument] = context.args.as_slice() else {
        return Err(ExecutionError::invalid_argument_count(
            1,
            context.args.len(),
        ));
    };
    let argument = argument.as_ref();
    let amount = match argument.downcast_ref::<CelString>() {
        Some(text) => text.inner().parse().map_err(|error| context.error(error))?,
        None => DecimalValue::exact(argument)
            .ok_or_else(|| context.error("dec takes text or a whole number"))?,
    };
    Ok(CowVal::owned(DecimalValue(amount)))
}

fn changed(context: &FunctionContext<'_, '_>) -> Result<bool, ExecutionError> {
    let columns = context
        .ptx
        .get_variable(CHANGED_COLUMNS)
        .ok_or_else(|| context.error("no row"))?;
    let column = context
        .args
        .first()
        .ok_or_else(|| context.error("no column"))?;
    let columns = columns
        .as_indexer()
        .ok_or_else(|| context.error("no row"))?;
    Ok(columns.get(column.as_ref()).is_ok())
}

/// A `numeric` inside an expression.
#[derive(Clone, Debug)]
struct DecimalValue(Amount);

static DECIMAL: std::sync::LazyLock<Type> =
    std::sync::LazyLock::new(|| Type::new_opaque_type("decimal"));

impl DecimalValue {
    /// The operand on the other side: a decimal or a whole number, nothing that has been rounded.
    fn exact(other: &dyn Val) -> Option<Amount> {
        if let Some(decimal) = other.downcast_ref::<Self>() {
            return Some(decimal.0.clone());
        }
        if let Some(integer) = other.downcast_ref::<CelInt>() {
            return Some(Amount::Finite(Decimal::from(*integer.inner())));
        }
        let integer = other.downcast_ref::<CelUInt>()?;
        Some(Amount::Finite(Decimal::from(*integer.inner())))
    }
}

impl Val for DecimalValue {
    fn get_type(&self) -> &Type {
        &DECIMAL
    }

    fn cel_type() -> &'static Type {
        &DECIMAL
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        Self::exact(other).is_some_and(|other| self.0 == other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for DecimalValue {}

impl Comparer for DecimalValue {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        match Self::exact(other) {
            Some(other) => Ok(self.0.cmp(&other)),
            None => Err(ExecutionError::UnexpectedType {
                got: other.get_type().name().to_owned(),
                want: "decimal".to_owned(),
            }),
        }
    }
}

/// The names of an expression.
#[derive(Default)]
struct Names {
    columns: BTreeSet<String>,
    old_columns: BTreeSet<String>,
    /// Variables of the macros (`all`, `exists`, …) that we are inside of.
    bound: Vec<String>,
}

impl Names {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other operand is walked"
    )]
    fn walk(&mut self, expression: &IdedExpr) -> Result<(), PredicateError> {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.ident(name),
            Expr::Select(select) => match &select.operand.expr {
                Expr::Ident(name) if name == BEFORE || name == AFTER => {
                    self.columns.insert(select.field.clone());
                    if name == BEFORE && !select.test {
                        self.old_columns.insert(select.field.clone());
                    }
                    Ok(())
                }
                _ => self.walk(&select.operand),
            },
            Expr::Call(call) => {
                if call.func_name == CHANGED {
                    return self.changed(&call.args);
                }
                call.target
                    .iter()
                    .try_for_each(|target| self.walk(target))?;
                call.args
                    .iter()
                    .try_for_each(|argument| self.walk(argument))
            }
            Expr::List(list) => list
                .elements
                .iter()
                .try_for_each(|element| self.walk(element)),
            Expr::Map(map) => map
                .entries
                .iter()
                .try_for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(fields) => fields
                .entries
                .iter()
                .try_for_each(|entry| self.entry(&entry.expr)),
            Expr::Comprehension(comprehension) => {
                self.walk(&comprehension.iter_range)?;
                self.walk(&comprehension.accu_init)?;
                let depth = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                for part in [
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.walk(part)?;
                }
                self.bound.truncate(depth);
                Ok(())
            }
        }
    }

    fn ident(&self, name: &str) -> Result<(), PredicateError> {
        if self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        let name = name.to_owned();
        Err(if name == BEFORE || name == AFTER {
            PredicateError::WholeRow { name }
        } else {
            PredicateError::UnknownName { name }
        })
    }

    fn changed(&mut self, arguments: &[IdedExpr]) -> Result<(), PredicateError> {
        let [
            IdedExpr {
                expr: Expr::Literal(LiteralValue::String(column)),
                ..
            },
        ] = arguments
        else {
            return Err(PredicateError::ChangedArgument);
        };
        self.columns.insert(column.inner().to_owned());
        self.old_columns.insert(column.inner().to_owned());
        Ok(())
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), PredicateError> {
        match entry {
            EntryExpr::StructField(field) => self.walk(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.walk(&entry.key)?;
                self.walk(&entry.value)
            }
        }
    }
}
