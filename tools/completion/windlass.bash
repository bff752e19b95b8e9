# Completion in bash for windlassd, windlassctl, windlass and windlass-bench.
# This one file is installed under each of the four names, because bash-completion loads the file that is named like the
# command. It needs no function of that package, so `source` is enough, too.
# shellcheck shell=bash

_windlass_run=/run
_windlass_protocols='message:// echo:// line:// length:// http://'
_windlass_handlers='search binary echo burn file append static'

# Every completion goes through here; $1 offers words. It finds
#   words    the words before the one that is being written,
#   current  that one, up to the cursor,
# and sets COMPREPLY by _windlass_offer. bash cuts words at = and : (COMP_WORDBREAKS), which are put together again
# here; but COMPREPLY may only hold what comes after the last cut.
_windlass_complete() {
  local words current option value prefix kept i
  local line=${COMP_LINE:0:COMP_POINT}
  read -r -a words <<<"$line"
  current=''
  if [[ $line != *[[:space:]] ]]; then
    current=${words[-1]}
    unset 'words[-1]'
  fi
  value=$current prefix=''
  COMPREPLY=()
  "$1"
  kept=$current
  for ((i = ${#current} - 1; i >= 0; --i)); do
    [[ ${current:i:1} == [=:] && $COMP_WORDBREAKS == *"${current:i:1}"* ]] && break
    kept=${current:0:i}
  done
  for i in "${!COMPREPLY[@]}"; do
    COMPREPLY[i]=$prefix${COMPREPLY[i]}
    COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
  done
}

# Offers the words of $1 that begin with $value. One that ends with = or / goes on: no blank follows it.
_windlass_offer() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$value")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then compopt -o nospace 2>/dev/null; fi
  return 0
}

_windlass_offer_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$value")
}

# An address may be a path. $1: what else is offered.
_windlass_offer_address() {
  if [[ $value == *unix:/* ]]; then
    prefix+=${value%%unix:/*}unix:
    value=/${value#*unix:/}
    _windlass_offer_files
  else
    _windlass_offer "$1"
  fi
}

# Whether the value of an option is being written, --config=FI or --config FI. Then sets `option`, `value` and `prefix`,
# which is what stands before the value. $1: the options that take one, each with its =.
_windlass_in_value() {
  if [[ $current == --*=* ]]; then
    option=${current%%=*} value=${current#*=} prefix=${current%%=*}=
  elif [[ ${words[-1]} == --* && " $1 " == *" ${words[-1]}= "* ]]; then
    option=${words[-1]}
  else
    return 1
  fi
}

# The first word that is no option, nor the value of one: the command. $1 as above.
_windlass_command() {
  local i
  for ((i = 1; i < ${#words[@]}; ++i)); do
    if [[ ${words[i]} != --* ]]; then
      printf '%s' "${words[i]}"
      return
    fi
    if [[ " $1 " == *" ${words[i]}= "* ]]; then ((++i)); fi
  done
}

_windlassd_keys() {
  "${words[0]}" --print-config 2>/dev/null | awk '
    /^\[/ {table = /^\[\[/ ? "" : substr($0, 2, length($0) - 2)}
    table != "" && /^(# )?[a-z_]+ (=|is not set)/ {sub(/^# /, ""); print table "." $1 "="}'
}

_windlassd_words() {
  local valued='--config= --set= --listen= --workers= --pool='
  if ! _windlass_in_value "$valued"; then
    _windlass_offer "$valued --check --print-config --hint --version --help"
    return
  fi
  case $option in
    --config) _windlass_offer_files ;;
    --set) _windlass_offer "$(_windlassd_keys)" ;;
    --listen) _windlass_offer_address "$_windlass_protocols" ;;
    --workers | --pool) _windlass_offer 'auto' ;;
  esac
}

# Names of instances that run: windlass@NAME.service has /run/windlass-NAME.
_windlassctl_instances() {
  local directory
  for directory in "$_windlass_run"/windlass-*/; do
    [[ -d $directory ]] || continue
    directory=${directory%/}
    printf '%s\n' "${directory##*/windlass-}"
  done
}

# Jobs of the server that the words before name.
_windlassctl_jobs() {
  local word server=()
  for word in "${words[@]}"; do
    [[ $word == --instance=* || $word == --control=* ]] && server+=("$word")
  done
  "${words[0]}" "${server[@]}" --timeout=1s jobs 2>/dev/null | awk '$1 ~ /^[0-9]+$/ {print $1}'
}

# Payloads in quarantine there.
_windlassctl_quarantined() {
  local word server=()
  for word in "${words[@]}"; do
    [[ $word == --instance=* || $word == --control=* ]] && server+=("$word")
  done
  "${words[0]}" "${server[@]}" --timeout=1s quarantine 2>/dev/null | awk '$1 ~ /^[0-9a-f]{16}$/ {print $1}'
}

_windlassctl_words() {
  local common_valued='--instance= --control= --timeout= --color='
  local valued="$common_valued --interval="
  local common="$common_valued --help --version"
  if _windlass_in_value "$valued"; then
    case $option in
      --instance) _windlass_offer "$(_windlassctl_instances)" ;;
      --control) _windlass_offer_files ;;
      --timeout) _windlass_offer '1s 5s 30s 2m 0' ;;
      --color) _windlass_offer 'auto always never' ;;
      --interval) _windlass_offer '0.2 0.5 1 2 5 10' ;;
    esac
    return
  fi
  case $(_windlass_command "$valued") in
    '')
      _windlass_offer "status top connections jobs deaths quarantine version reload scale upgrade drain stop reopen-logs \
        kill-job log-level --json --check --keep --interval= $common"
      ;;
    status | connections | jobs | deaths) _windlass_offer "--json $common" ;;
    top) _windlass_offer "--interval= $common" ;;
    reload) _windlass_offer "--check $common" ;;
    scale) _windlass_offer "workers= pool= pool. --keep $common" ;;
    kill-job) _windlass_offer "$(_windlassctl_jobs) $common" ;;
    quarantine)
      if [[ ${words[-1]} == clear ]]; then
        _windlass_offer "all $(_windlassctl_quarantined)"
      else
        _windlass_offer "clear --json $common"
      fi
      ;;
    log-level) _windlass_offer "debug info warning error $common" ;;
    *) _windlass_offer "$common" ;;
  esac
}

_windlass_words() {
  local sends='--handler= --content-type= --content-encoding= --header= --deadline-ms= --request-id='
  local only_run='--library= --builtin= --option= --deadline= --processes='
  local runs="$only_run --handler= --content-type= --content-encoding= --header="
  local images='--op= --radius= --width= --height= --size= --degrees= --direction= --format= --quality='
  local valued="--timeout= $sends $only_run $images"
  local common='--json --show-wire --timeout= --help --version'
  local command
  if _windlass_in_value "$valued"; then
    case $option in
      --handler | --builtin) _windlass_offer "$_windlass_handlers" ;;
      --library) _windlass_offer_files ;;
      --content-type) _windlass_offer 'text/json text/plain application/octet-stream' ;;
      --content-encoding) _windlass_offer 'utf-8 utf-16 iso-8859-1 binary' ;;
      --timeout | --deadline) _windlass_offer '1s 10s 1m 0' ;;
      --processes) _windlass_offer '1 2 4 8' ;;
      --op) _windlass_offer 'grayscale invert blur resize thumbnail rotate flip' ;;
      --degrees) _windlass_offer '90 180 270' ;;
      --direction) _windlass_offer 'horizontal vertical' ;;
      --format) _windlass_offer 'png jpeg ppm pgm' ;;
    esac
    return
  fi
  command=$(_windlass_command "$valued")
  if [[ -z $command ]]; then
    _windlass_offer "search binary send image infer run echo multi line length $sends $only_run $images --no-half-close $common"
  elif [[ $current == -* ]]; then
    case $command in
      send) _windlass_offer "$sends $common" ;;
      image) _windlass_offer "$images --handler= --deadline-ms= --request-id= $common" ;;
      infer) _windlass_offer "--handler= --deadline-ms= --request-id= $common" ;;
      run) _windlass_offer "$runs --help --version" ;;
      line | length) _windlass_offer "--no-half-close $common" ;;
      *) _windlass_offer "$common" ;;
    esac
  elif [[ $command == run ]]; then
    _windlass_offer_files
  elif [[ ${words[-1]} == "$command" ]]; then
    _windlass_offer_address '127.0.0.1:65432 unix:/'
  elif [[ $command == send || $command == image || $command == infer || $command == length ]]; then
    _windlass_offer_files
  fi
}

_windlass_bench_words() {
  local valued='--target= --connections= --pipeline= --duration= --requests= --rate= --handler= --size= --burn-ms= '
  valued+='--timeout='
  if ! _windlass_in_value "$valued"; then
    _windlass_offer "$valued --keepalive --json --help --version"
    return
  fi
  case $option in
    --target) _windlass_offer_address "$_windlass_protocols" ;;
    --handler) _windlass_offer "$_windlass_handlers" ;;
    --duration | --timeout) _windlass_offer '1s 10s 1m' ;;
    --size) _windlass_offer '128 1KiB 64KiB 1MiB' ;;
  esac
}

_windlassd() { _windlass_complete _windlassd_words; }
_windlassctl() { _windlass_complete _windlassctl_words; }
_windlass() { _windlass_complete _windlass_words; }
_windlass_bench() { _windlass_complete _windlass_bench_words; }

complete -F _windlassd windlassd
complete -F _windlassctl windlassctl
complete -F _windlass windlass
complete -F _windlass_bench windlass-bench
