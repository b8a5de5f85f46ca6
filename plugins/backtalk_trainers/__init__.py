"""Trainers that need nothing but what Backtalk has: a command of yours, and a service with OpenAI's fine-tuning API."""

from backtalk_trainers.command import Command
from backtalk_trainers.openai_api import OpenAi

__all__ = ["Command", "OpenAi"]
