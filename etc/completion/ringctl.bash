# Completion of ringctl for bash (and, through bashcompinit, zsh). ringctl itself knows what may come: see
# src/ctl/commands.c. It is asked without the database, so this works before there is one.

_ringctl()
{
	local current=${COMP_WORDS[COMP_CWORD]} line

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file) compopt -o filenames 2>/dev/null
		       while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
		:dir)  compopt -o filenames 2>/dev/null
		       while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
		*)     COMPREPLY+=("$line") ;;
		esac
	done < <("${COMP_WORDS[0]}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _ringctl ringctl
