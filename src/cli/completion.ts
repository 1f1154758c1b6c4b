/** Completion scripts for the shells, generated from the command table. */

import type { Completion, FlagSpec } from "./command.ts";
import type { CompletionNode } from "./completion_tree.ts";

type Tree = readonly CompletionNode[];

/** For `source <(coracle completion bash)`. */
export function bashScript(tree: Tree): string {
  const cases = tree.map((node) =>
    `    ${quote(node.path)})
      words=${quote(node.words.map((word) => word.name).join(" "))}
      flags=${quote(flagWords(node.flags).join(" "))}
      valued=${quote(valuedWords(node.flags).join(" "))}
      kind=${quote(kindOf(node.completion))} ;;`
  );
  return `# bash completion for coracle
_coracle_node() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
${KIND_FUNCTIONS}
_coracle() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local words flags valued kind path="" i word
  _coracle_node ""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ " $valued " == *" $word "* ]]; then ((i++)); continue; fi
    [[ $word == -* ]] && continue
    [[ -z $words ]] && break
    _coracle_node "\${path:+$path }$word" || return 0
    path="\${path:+$path }$word"
  done
  if [[ " $valued " == *" $previous "* ]]; then
    compopt -o default; COMPREPLY=(); return 0
  fi
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    case "$kind" in
      file) compopt -o default; COMPREPLY=() ;;
      directory) compopt -o dirnames; COMPREPLY=() ;;
      *) COMPREPLY=($(compgen -W "$(_coracle_names "$kind")" -- "$current"))
         __ltrim_colon_completions "$current" 2>/dev/null ;;
    esac
  fi
}
complete -F _coracle coracle
`;
}

/** For a file `_coracle` on zsh's `fpath`, or `source`. */
export function zshScript(tree: Tree): string {
  const cases = tree.map((node) => {
    const words = node.words.map(({ name, help }) =>
      quote(`${name.replaceAll(":", "\\:")}:${help}`)
    );
    const flags = node.flags.flatMap((flag) =>
      flagWords([flag]).map((word) => quote(`${word}:${flag.help}`))
    );
    return `    ${quote(node.path)})
      words_=(${words.join(" ")})
      flags_=(${flags.join(" ")})
      valued_=(${valuedWords(node.flags).map(quote).join(" ")})
      kind=${quote(kindOf(node.completion))} ;;`;
  });
  return `#compdef coracle
_coracle_node() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
${KIND_FUNCTIONS}
_coracle() {
  local -a words_ flags_ valued_ names
  local kind path_="" word
  integer i
  _coracle_node ""
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if (( $valued_[(Ie)$word] )); then ((i++)); continue; fi
    [[ $word == -* ]] && continue
    (( $#words_ )) || break
    _coracle_node "\${path_:+$path_ }$word" || return 0
    path_="\${path_:+$path_ }$word"
  done
  if (( $valued_[(Ie)$words[CURRENT-1]] )); then
    _files
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o option flags_
  elif (( $#words_ )); then
    _describe command words_
  else
    case "$kind" in
      file) _files ;;
      directory) _files -/ ;;
      *) names=(\${(f)"$(_coracle_names "$kind")"}); compadd -a names ;;
    esac
  fi
}
if [[ $funcstack[1] == _coracle ]]; then _coracle "$@"; else compdef _coracle coracle; fi
`;
}

/** For `coracle completion fish | source`. */
export function fishScript(tree: Tree): string {
  const lines = tree.flatMap((node) => {
    const when = fishCondition(node);
    return [
      ...node.words.map(({ name, help }) =>
        `complete -c coracle -f -n ${quote(when)} -a ${name} -d ${quote(help)}`
      ),
      ...node.flags.map((flag) => fishFlag(flag, when)),
      ...fishArguments(node, when),
    ];
  });
  return `# fish completion for coracle
${FISH_FUNCTIONS}
${lines.join("\n")}
`;
}

function fishCondition(node: CompletionNode): string {
  return `__coracle_at ${node.path === "" ? "''" : node.path}`;
}

function fishFlag(flag: FlagSpec, when: string): string {
  return [
    `complete -c coracle -f -n ${quote(when)} -l ${flag.name}`,
    ...flag.short === undefined ? [] : [`-s ${flag.short}`],
    ...flag.kind === "boolean" ? [] : ["-r"],
    `-d ${quote(flag.help)}`,
  ].join(" ");
}

function fishArguments(node: CompletionNode, when: string): string[] {
  const head = `complete -c coracle -n ${quote(when)}`;
  const kind = kindOf(node.completion);
  if (kind === "file" || kind === "directory") return [`${head} -F`];
  if (kind === "none") return [];
  return [`${head} -f -a "(__coracle_names '${kind}')"`];
}

/** Names of a kind of thing: asked from the program, or a fixed list. */
const KIND_FUNCTIONS = `_coracle_names() {
  case "$1" in
    image|container|volume) coracle __complete "$1" 2>/dev/null ;;
    none) ;;
    *) printf '%s\\n' $1 ;;
  esac
}`;

const FISH_FUNCTIONS = `function __coracle_at
  set -l words
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set -a words $word
  end
  test (count $argv) -eq 1 -a -z "$argv[1]"; and set argv
  test (count $words) -ge (count $argv); or return 1
  if test (count $argv) -eq 0
    test (count $words) -eq 0; return
  end
  for i in (seq (count $argv))
    test "$words[$i]" = "$argv[$i]"; or return 1
  end
end
function __coracle_names
  switch $argv[1]
    case image container volume
      coracle __complete $argv[1] 2>/dev/null
    case '*'
      string split ' ' $argv[1]
  end
end`;

function flagWords(flags: readonly FlagSpec[]): string[] {
  return flags.flatMap((flag) => [
    `--${flag.name}`,
    ...flag.short === undefined ? [] : [`-${flag.short}`],
  ]);
}

/** Flags whose value is the next word. */
function valuedWords(flags: readonly FlagSpec[]): string[] {
  return flagWords(flags.filter((flag) => flag.kind !== "boolean"));
}

function kindOf(completion: Completion): string {
  return typeof completion === "string" ? completion : completion.join(" ");
}

/** In single quotes, for all three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
