"""Stands in for the build backend that llama-cpp-python names, while its source distribution is only downloaded."""
