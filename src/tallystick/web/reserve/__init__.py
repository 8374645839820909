"""The reserve's faces: a public page for anybody, and a console for its officials."""
