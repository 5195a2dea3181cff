"""The screens: each module defines `render(user)`, and nothing runs at import."""
