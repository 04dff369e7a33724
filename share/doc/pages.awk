# The manual pages that stand in the sources (PETSc's comments /*@ @*/, /*MC M*/, /*E E*/, /*S S*/), as man pages or as one Markdown text.
#
#   awk -v form=man -v folder=DIR -f pages.awk pcgnnspai.c ...     writes DIR/NAME.3 for each page
#   awk -v form=names -f pages.awk pcgnnspai.c ...                 prints the names
#   awk -v form=md -f pages.awk pcgnnspai.c ...                    prints all pages, the type's options as a table
#
# In awk, since an installation that needs perl or python for its pages would have none of them on a small system. A page is read line by line into
# kind[] and text[]; print_man() and print_md() know the two languages. Of two pages of one name the first counts.

function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }
function add(k, s) { n++; kind[n] = k; text[n] = s }
function join(s) { text[n] = text[n] (text[n] == "" ? "" : " ") s }

# ---- a page's lines ----

function begin_page() { n = 0; split("", kind); split("", text); split("", term); name = about = where = synopsis = ""; last = "title"; inside = 1 }

function read_line(line) {
  if (line ~ /^[ \t]*$/) { last = ""; return }
  if (last == "title") { read_title(trim(line)); return }
  if (line ~ /^\.seealso:/) { sub(/^\.seealso:/, "", line); add("seealso", trim(line)); last = "seealso"; return }
  if (line ~ /^[+.-] /) { read_item(trim(substr(line, 2))); return }
  line = trim(line)
  if (line ~ /^(Logically |Not |Neighbor-wise )?Collective/) { sub(/; No Fortran Support/, "", line); where = line; last = ""; return }
  if (line ~ /^Level:/) { last = ""; return }
  if (line ~ /^[A-Z][A-Za-z ]*:$/) { add("section", substr(line, 1, length(line) - 1)); last = ""; return }
  if (last != "") { join(line); return }
  add("paragraph", line); last = "paragraph"
}

function read_title(line) {
  if (name == "") { name = line; sub(/ .*/, "", name); about = line; sub(/^[^ ]+ +- +/, "", about) }
  else about = about " " line
}

# "name - meaning", or an option, "-name value - meaning"
function read_item(line,    at) {
  at = index(substr(line, 2), " - ")
  add("item", trim(substr(line, at + 4))); term[n] = trim(substr(line, 1, at)); last = "item"
}

/^[ \t]*\/\*(@|MC|E|S|J)[ \t]*$/ { begin_page(); next }
inside && /^[ \t]*(@|M|E|S|J)C?\*\// { inside = 0; after = name; next }
inside { read_line($0); next }

# What stands below a page is what it is about: a function's head, an enum as far as its name
after != "" {
  synopsis = synopsis (synopsis == "" ? "" : "\n") $0
  if ($0 ~ /^static|^PETSC_INTERN|^#define/) { synopsis = ""; end_page() }
  else if ($0 ~ /\)$/ || $0 ~ /;$/ && ($0 ~ /^}/ || synopsis !~ /\{/)) { end_page() }
}

function end_page() {
  after = ""
  if (name in seen) return
  seen[name] = 1
  if (form == "man") print_man()
  else if (form == "md") print_md()
  else print name
}

# ---- man ----

# A TeX formula in ASCII and groff's Greek, "\" as \001
function formula(s) {
  gsub(/\\tilde A/, "A~", s); gsub(/\\frac32/, "3/2", s); gsub(/\\frac t2/, "t/2", s); gsub(/\\\|/, "||", s)
  gsub(/\\epsilon */, "\001(*e", s); gsub(/\\alpha/, "\001(*a", s); gsub(/\\omega/, "\001(*w", s); gsub(/\\sum/, "\001(*S", s); gsub(/\\le/, "<=", s)
  gsub(/[{}]/, "", s); gsub(/-/, "\001-", s)
  return s
}

function roff(s,    parts, m, k, code, out) {
  m = split(s, parts, "[$]")
  for (k = 2; k <= m; k += 2) parts[k] = formula(parts[k])
  for (k = 1; k <= m; k++) out = out parts[k]
  gsub(/\\/, "\001e", out)
  m = split(out, code, "`"); out = ""
  for (k = 1; k <= m; k++) {
    if (k % 2 == 0) { gsub(/-/, "\001-", code[k]); code[k] = "\001fB" code[k] "\001fP" }
    out = out code[k]
  }
  while (match(out, /(^|[ (\/])-[a-z0-9]/)) out = substr(out, 1, RSTART + RLENGTH - 3) "\001-" substr(out, RSTART + RLENGTH - 1)
  gsub(/\001/, "\\", out)
  if (out ~ /^[.']/) out = "\\&" out
  return out
}

function print_man(    k, s, refs, file) {
  file = folder "/" name ".3"
  printf ".TH %s 3 \"\" gnnspai \"PETSc preconditioner gnnspai\"\n.nh\n.SH NAME\n%s \\- %s\n", name, name, roff(about) > file
  if (synopsis != "") {
    s = synopsis; gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s)
    printf ".SH SYNOPSIS\n.nf\n#include <pcgnnspai.h>\n\n%s\n.fi\n", s > file
  }
  if (where != "") printf ".PP\n%s. Not callable from Fortran.\n", where > file
  for (k = 1; k <= n; k++) {
    if (kind[k] == "section") printf ".SH %s\n", toupper(text[k]) > file
    else if (kind[k] == "item") printf ".TP\n\\fB%s\\fP\n%s\n", roff(plain(term[k])), roff(text[k]) > file
    else if (kind[k] == "seealso") { refs = text[k]; gsub(/\[\]\([a-z_]*\), */, "", refs); printf ".SH SEE ALSO\n%s\n", roff(refs) > file }
    else printf "%s%s\n", kind[k - 1] == "section" ? "" : ".PP\n", roff(text[k]) > file
  }
  close(file)
}

function plain(s) { gsub(/`/, "", s); return s }

# ---- Markdown ----

# Without what the table of options says, and without the arguments that all functions have
function print_md(    k, section) {
  printf "### %s\n\n%s.\n\n", name, toupper(substr(about, 1, 1)) substr(about, 2)
  if (synopsis != "") printf "```c\n%s\n```\n\n", synopsis
  for (k = 1; k <= n; k++) {
    if (kind[k] == "section") section = text[k]
    if (kind[k] == "section" && section ~ /^Options/ && synopsis == "") print_table(k)
    else if (kind[k] == "section" && section == "Developer Notes") printf "*For developers:* "
    else if (kind[k] == "item" && section !~ /^Options/ && term[k] != "pc") printf "- `%s`: %s\n%s", plain(term[k]), text[k], kind[k + 1] == "item" ? "" : "\n"
    else if (kind[k] == "paragraph") printf "%s\n\n", text[k]
  }
  if (where != "") printf "%s.\n\n", where
}

# The items after line k: option, meaning, function
function print_table(k,    meaning, name, reference) {
  printf "| option | meaning | function |\n|---|---|---|\n"
  for (k++; kind[k] == "item"; k++) {
    meaning = text[k]; name = term[k]; reference = ""
    if (match(meaning, /,? see `[^`]*`$/)) { reference = substr(meaning, RSTART, RLENGTH); meaning = substr(meaning, 1, RSTART - 1); sub(/,? see /, "", reference) }
    gsub(/\|/, "\\|", meaning); gsub(/\|/, "\\|", name)
    printf "| `%s` | %s | %s |\n", name, meaning, reference
  }
  print ""
}
