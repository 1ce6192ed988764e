//! One SQL value, owned and borrowed.
//!
//! A value carries no type beyond its variant: length, scale, collation and the like are in the
//! [`SqlType`](crate::SqlType) of the expression or column that it belongs to. Character strings are
//! always UTF-8 here, whatever the column's character set: conversion happens at the edges (client,
//! `CONVERT`, byte-length functions). Binary strings are raw bytes.

use crate::{Date, DateTime, Decimal, Text, Time};

/// An owned SQL value; 32 bytes at most.
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Int(i64),
    UInt(u64),
    /// FLOAT and DOUBLE alike; FLOAT's rounding is done on store.
    Double(f64),
    Decimal(Decimal),
    /// CHAR, VARCHAR, TEXT, ENUM and SET by name, and BINARY, BLOB, BIT, geometry as raw bytes.
    Text(Text),
    Date(Date),
    Time(Time),
    /// DATETIME as written; TIMESTAMP already in the session's time zone.
    DateTime(DateTime),
    /// JSON, as text in MySQL's normal form (sorted keys, one space after `:` and `,`).
    Json(Text),
}

/// A borrowed SQL value: what a stored row decodes to without a copy.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    Null,
    Int(i64),
    UInt(u64),
    Double(f64),
    Decimal(Decimal),
    Text(&'a [u8]),
    Date(Date),
    Time(Time),
    DateTime(DateTime),
    Json(&'a [u8]),
}

impl Value {
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The same value, borrowed.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Int(v) => ValueRef::Int(*v),
            Value::UInt(v) => ValueRef::UInt(*v),
            Value::Double(v) => ValueRef::Double(*v),
            Value::Decimal(v) => ValueRef::Decimal(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Date(v) => ValueRef::Date(*v),
            Value::Time(v) => ValueRef::Time(*v),
            Value::DateTime(v) => ValueRef::DateTime(*v),
            Value::Json(v) => ValueRef::Json(v.as_bytes()),
        }
    }
}

impl ValueRef<'_> {
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, ValueRef::Null)
    }

    #[inline]
    pub fn to_owned(&self) -> Value {
        match *self {
            ValueRef::Null => Value::Null,
            ValueRef::Int(v) => Value::Int(v),
            ValueRef::UInt(v) => Value::UInt(v),
            ValueRef::Double(v) => Value::Double(v),
            ValueRef::Decimal(v) => Value::Decimal(v),
            ValueRef::Text(v) => Value::Text(Text::from(v)),
            ValueRef::Date(v) => Value::Date(v),
            ValueRef::Time(v) => Value::Time(v),
            ValueRef::DateTime(v) => Value::DateTime(v),
            ValueRef::Json(v) => Value::Json(Text::from(v)),
        }
    }
}
