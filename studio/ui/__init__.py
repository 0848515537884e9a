"""The pages: what a person sees and clicks. Knows the engine's services and nothing of tables, SQL or files."""

from studio.ui import gradio_import

gradio_import.prepare()
