"""Titles that would do harm, or change the display, where text is taken for HTML, Markdown, LaTeX or a template."""

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "![](http://x/y.png)",
    "$x$",
    ":red[x]",
    'a <a href="javascript:alert(1)">href</a>',
    "%{customdata[0]} %{meta} {{x}}",
    "Fish & Chips &lt;b&gt; <b>bold</b><br>line",
    "two\nlines\tand a tab",
    "Ünïcødé 漢字 🎣",
)
