"""Shapes of answers about pages, how the calling stands, and contact methods, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class PageShape(BaseModel):
    ref: str
    number: int
    person: str
    rung: int
    requested_at: datetime
    outcome: str | None
    sent: bool
    failed: list[str]
    seq: int


class PageList(BaseModel):
    pages: list[PageShape]
    next: int | None


class WayShape(BaseModel):
    channel: str
    st: str = Field(description="waits, under way, taken (by the provider) or failed")
    at: datetime | None = Field(description="since when it is used; of one that waits, when it will be")


class OpenPageShape(BaseModel):
    number: int
    person: str
    at: datetime
    step: int | None = Field(description="of the escalation, from 1 on; null: by none of its steps")
    asked: bool = Field(description="called in to help, beside the steps")
    learns: bool = Field(description="called along to learn: answers for nothing")
    urgent: bool
    deferred_until: datetime | None = Field(description="quiet hours: nothing is sent before")
    ways: list[WayShape]


class ComingShape(BaseModel):
    at: datetime
    people: list[str]
    again: bool


class SnoozeShape(BaseModel):
    until: datetime
    by: str
    reason: str


class HelperShape(BaseModel):
    person: str
    st: str = Field(description="called, joined, or how the page ended otherwise")
    at: datetime


class CallingShape(BaseModel):
    escalation: str
    steps: int
    pages: list[OpenPageShape] = Field(description="who is called now")
    next: ComingShape | None = Field(description="who is called next if nobody acts")
    snoozed: SnoozeShape | None
    holds_until: datetime | None = Field(description="the acknowledgement is void then; null: it holds")
    answered: list[str] = Field(description="of a step that everybody has to acknowledge: who has")
    awaited: list[str] = Field(description="of a step that everybody has to acknowledge: who has not")
    helpers: list[HelperShape]


class ContactShape(BaseModel):
    channel: str
    kind: str = Field(description="the channel's kind")
    address: str = Field(description="where pages go; of one that is disabled, where they went")
    own: bool = Field(description="added by the person herself, not from the roster")
    state: str = Field(description="proven, usable, disabled (only where nothing else is left), or none")
    proven_at: datetime | None = Field(description="when something last arrived there")
    disabled: str = Field(description="why her own address, or the roster's, is not used; empty: it is")
    waiting: str = Field(description="a further address that is used once its code is entered")
    code_until: datetime | None


class ContactList(BaseModel):
    contacts: list[ContactShape]
