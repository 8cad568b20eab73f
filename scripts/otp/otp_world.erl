%% Lives through histories on the supervisors of OTP, and writes what happened as JSON, one line for each history.
%%
%% `main [File, AtOnce]` reads the terms that history.py writes; so many of them are lived through at the same time.
%% A line: [seed, [[answer, events, state], ...]], the first segment being the start of the tree; or [seed, error].
%% Each history has a table: {pid, Id} and {kind, Id} of children, {name, Pid}, {plan, Id}, {mode, Id}, and {ev, Time}
%% for what happened.  Ends of processes come from erlang:trace with strict monotonic stamps: their order is the real one.
-module(otp_world).
-export([main/1, init/1, start_worker/2, start_supervisor/2, worker/4]).

-define(POLLS_MAX, 3000).  % of about a millisecond each, until a tree that does not come to rest is given up

main([File, AtOnce]) ->
    logger:set_primary_config(level, none),
    {ok, Histories} = file:consult(File),
    pool(Histories, list_to_integer(AtOnce), 0),
    halt(0).

pool([], _, 0) -> ok;
pool([History | Rest], AtOnce, Busy) when Busy < AtOnce ->
    Me = self(),
    spawn(fun() -> Me ! {lived, element(2, History), catch live_through(History)} end),
    pool(Rest, AtOnce, Busy + 1);
pool(Rest, AtOnce, Busy) ->
    receive
        {lived, Seed, {ok, Segments}} -> line([Seed, Segments]);
        {lived, Seed, Error} -> line([Seed, iolist_to_binary(io_lib:format("~0p", [Error]))])
    end,
    pool(Rest, AtOnce, Busy - 1).

line(Value) -> io:put_chars([json(Value), "\n"]).

%% One history.

live_through({history, _Seed, Tree, Setup, Operations}) ->
    process_flag(trap_exit, true),
    Table = ets:new(history, [public, ordered_set]),
    Collector = spawn_link(fun() -> collect(Table) end),
    H = {Table, Collector},
    [carry_out(H, Change) || Change <- Setup],
    Answer = case start_supervisor(H, Tree) of
        {ok, Root} -> ets:insert(Table, {root, Root}), quiet(H), ok;
        {error, {shutdown, {failed_to_start_child, _, _}}} -> start_failed
    end,
    {First, Last} = segment(H, Answer, 0),
    Segments = [First | operations(H, Operations, Last)],
    [begin unlink(Pid), kill(Pid) end || {root, Pid} <- ets:lookup(Table, root)],
    [kill(Pid) || {{pid, _}, Pid} <- ets:tab2list(Table)],
    unlink(Collector), exit(Collector, kill),
    {ok, Segments}.

operations(_, [], _) -> [];
operations(H = {Table, _}, [Operation | Rest], Last) ->
    case [Root || {root, Root} <- ets:lookup(Table, root), is_process_alive(Root)] of
        [] -> [];
        _ ->
            Answer = carry_out(H, Operation),
            quiet(H),
            {Segment, Now} = segment(H, Answer, Last),
            [Segment | operations(H, Rest, Now)]
    end.

%% Operations and their answers.

carry_out({Table, _}, {plan, Id, Outcomes}) -> ets:insert(Table, {{plan, Id}, Outcomes}), ok;
carry_out({Table, _}, {behave, Id, Manner, Victim}) -> ets:insert(Table, {{mode, Id}, {Manner, Victim}}), ok;
carry_out(_, {sleep, Ms}) -> timer:sleep(Ms), ok;
carry_out(H, {exit, Id, Reason}) -> finish(H, Id, Reason);
carry_out(H, {together, Supervisors, Exits}) ->
    Pids = [Pid || Id <- Supervisors, (Pid = live(H, Id)) =/= none],
    [ok = sys:suspend(Pid) || Pid <- Pids],
    Answers = [finish(H, Id, Reason) || {exit, Id, Reason} <- Exits],
    timer:sleep(2),
    [catch sys:resume(Pid) || Pid <- Pids],
    Answers;
carry_out(H, {add, Above, Spec}) ->
    call(H, Above, fun(Pid, dynamic) -> 'Elixir.DynamicSupervisor':start_child(Pid, spec(H, Spec));
                      (Pid, static) -> supervisor:start_child(Pid, spec(H, Spec)) end);
carry_out(H, {terminate, Above, Id}) ->
    call(H, Above, fun(Pid, static) -> supervisor:terminate_child(Pid, Id);
                      (Pid, dynamic) -> case live(H, Id) of
                          none -> {error, not_found};
                          Child -> 'Elixir.DynamicSupervisor':terminate_child(Pid, Child)
                      end end);
carry_out(H, {restart, Above, Id}) ->
    call(H, Above, fun(_, dynamic) -> {error, skip}; (Pid, static) -> supervisor:restart_child(Pid, Id) end);
carry_out(H, {delete, Above, Id}) ->
    call(H, Above, fun(_, dynamic) -> {error, skip}; (Pid, static) -> supervisor:delete_child(Pid, Id) end);
carry_out({Table, _}, {stop}) ->
    [{_, Root}] = ets:lookup(Table, root),
    Monitor = monitor(process, Root),
    exit(Root, shutdown),
    receive {'DOWN', Monitor, _, _, Reason} -> reason(Reason) end.

call(H = {Table, _}, Above, Call) ->
    case live(H, Above) of
        none -> not_found;
        Pid ->
            [{_, Kind}] = ets:lookup(Table, {kind, Above}),
            try answer(Call(Pid, Kind)) catch exit:_ -> not_found end
    end.

answer(ok) -> ok;
answer({ok, undefined}) -> ignored;
answer(ignore) -> ignored;
answer({ok, Pid}) when is_pid(Pid) -> ok;
answer({error, {already_started, _}}) -> already_started;
answer({error, Word}) when Word =:= already_present; Word =:= not_found; Word =:= running; Word =:= restarting;
                           Word =:= max_children; Word =:= skip -> Word;
answer({error, {bad_combination, _}}) -> invalid_spec;
answer({error, {start_spec, _}}) -> invalid_spec;
answer({error, {invalid_significant, _}}) -> invalid_spec;
answer({error, _}) -> start_failed.

finish(H, Id, Reason) ->
    case live(H, Id) of
        none -> noproc;
        Pid ->
            Monitor = monitor(process, Pid),
            case Reason of killed -> exit(Pid, kill); _ -> Pid ! {finish, Reason} end,
            receive {'DOWN', Monitor, _, _, _} -> ok end
    end.

kill(Pid) ->
    Monitor = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Monitor, _, _, _} -> ok end.

live({Table, _}, Id) ->
    case [Pid || {_, Pid} <- ets:lookup(Table, {pid, Id}), is_process_alive(Pid)] of [] -> none; [Pid] -> Pid end.

%% Supervisors.

start_supervisor(H, Spec) when element(1, Spec) =:= static -> supervisor:start_link(?MODULE, {H, Spec});
start_supervisor(H, Spec) -> 'Elixir.DynamicSupervisor':start_link(?MODULE, {H, Spec}).

init({H, {static, Id, Strategy, Max, Period, Auto, _, _, Children}}) ->
    announce(H, Id, static),
    Flags = #{strategy => Strategy, intensity => Max, period => Period, auto_shutdown => Auto},
    {ok, {Flags, [spec(H, Child) || Child <- Children]}};
init({H, {dynamic, Id, Max, Period, Most, _, _}}) ->
    announce(H, Id, dynamic),
    Flags = [{strategy, one_for_one}, {max_restarts, Max}, {max_seconds, Period}, {max_children, Most}],
    'Elixir.DynamicSupervisor':init(Flags).

spec(H, {worker, Id, Restart, Shutdown, Significant}) ->
    #{id => Id, start => {?MODULE, start_worker, [H, Id]}, restart => Restart, shutdown => Shutdown,
      significant => Significant, type => worker};
spec(H, Spec) ->
    {Restart, Significant} = case Spec of
        {static, _, _, _, _, _, R, S, _} -> {R, S};
        {dynamic, _, _, _, _, R, S} -> {R, S}
    end,
    #{id => element(2, Spec), start => {?MODULE, start_supervisor, [H, Spec]}, restart => Restart,
      shutdown => infinity, significant => Significant, type => supervisor}.

%% Workers.

start_worker(H = {Table, _}, Id) ->
    {Outcome, Later} = case ets:lookup(Table, {plan, Id}) of [{_, [Next | Rest]}] -> {Next, Rest}; _ -> {ok, []} end,
    ets:insert(Table, {{plan, Id}, Later}),
    note(H, [start, Id, case Outcome of crash -> fail; _ -> Outcome end]),
    case Outcome of
        fail -> {error, planned};
        crash -> proc_lib:start_link(erlang, exit, [normal]);
        ignore -> ignore;
        ok -> proc_lib:start_link(?MODULE, worker, [H, Id, self(), mode(H, Id)])
    end.

worker(H = {Table, _}, Id, Parent, Mode) ->
    process_flag(trap_exit, true),
    announce(H, Id, worker),
    case Mode of
        {on_start, Victim} -> ets:delete(Table, {mode, Id}), kill_victim(H, Victim);
        _ -> ok
    end,
    proc_lib:init_ack(Parent, {ok, self()}),
    serve(H, Id, Parent).

serve(H, Id, Parent) ->
    receive
        {finish, shutdown_x} -> exit({shutdown, x});
        {finish, Reason} -> exit(Reason);
        {'EXIT', Parent, Reason} ->
            case mode(H, Id) of
                {deaf, _} -> serve(H, Id, Parent);
                {boom, _} -> exit(boom);
                {normal, _} -> exit(normal);
                {on_stop, Victim} -> kill_victim(H, Victim), exit(Reason);
                _ -> exit(Reason)
            end;
        _ -> serve(H, Id, Parent)
    end.

mode({Table, _}, Id) -> case ets:lookup(Table, {mode, Id}) of [{_, Mode}] -> Mode; [] -> none end.

kill_victim(H, Victim) -> case live(H, Victim) of none -> ok; Pid when Pid =:= self() -> ok; Pid -> kill(Pid) end.

%% What happened.

announce({Table, Collector}, Id, Kind) ->
    ets:insert(Table, [{{name, self()}, Id}, {{pid, Id}, self()}, {{kind, Id}, Kind}]),
    erlang:trace(self(), true, [procs, strict_monotonic_timestamp, {tracer, Collector}]).

note({Table, _}, Event) ->
    ets:insert(Table, {{ev, {erlang:monotonic_time(), erlang:unique_integer([monotonic])}}, Event}).

collect(Table) ->
    receive
        {trace_ts, Pid, exit, Reason, Stamp} ->
            [{_, Id}] = ets:lookup(Table, {name, Pid}),
            ets:insert(Table, {{ev, Stamp}, [stop, Id, reason(Reason)]});
        {sync, From} -> From ! synced;
        _ -> ok
    end,
    collect(Table).

segment(H = {Table, Collector}, Answer, Last) ->
    Delivered = erlang:trace_delivered(all),
    receive {trace_delivered, all, Delivered} -> ok end,
    Collector ! {sync, self()},
    receive synced -> ok end,
    Events = ets:select(Table, [{{{ev, '$1'}, '$2'}, [{'>', '$1', {const, Last}}], [{{'$1', '$2'}}]}]),
    Now = case Events of [] -> Last; _ -> element(1, lists:last(Events)) end,
    {[Answer, [Event || {_, Event} <- Events], state(H)], Now}.

state(H = {Table, _}) ->
    case [Root || {root, Root} <- ets:lookup(Table, root), is_process_alive(Root)] of
        [] -> down;
        [Root] -> show(H, Root, name(H, undefined, Root))
    end.

show(H = {Table, _}, Pid, Id) ->
    {Children, Counts} = case ets:lookup(Table, {kind, Id}) of
        [{_, static}] -> {supervisor:which_children(Pid), supervisor:count_children(Pid)};
        [{_, dynamic}] -> {'Elixir.DynamicSupervisor':which_children(Pid),
                           maps:to_list('Elixir.DynamicSupervisor':count_children(Pid))}
    end,
    [Id, [proplists:get_value(Kind, Counts) || Kind <- [specs, active, supervisors, workers]],
     [show_child(H, Child) || Child <- lists:reverse(Children)]].

show_child(H, {Id, Pid, supervisor, _}) when is_pid(Pid) -> show(H, Pid, name(H, Id, Pid));
show_child(H, {Id, Pid, _, _}) when is_pid(Pid) -> [name(H, Id, Pid), up];
show_child(_, {Id, Word, _, _}) -> [Id, Word].

name({Table, _}, undefined, Pid) -> [{_, Id}] = ets:lookup(Table, {name, Pid}), Id;
name(_, Id, _) -> Id.

%% Wait until nothing moves: the same state, events and empty queues three times in a row.

quiet(H) -> quiet(H, none, 0, 0).

quiet(_, _, 2, _) -> ok;
quiet(_, Was, _, ?POLLS_MAX) -> throw({not_quiet, Was});
quiet(H = {Table, _}, Was, Same, Polls) ->
    erlang:yield(), timer:sleep(1),
    State = (catch state(H)),
    Queues = [Length || {{pid, _}, Pid} <- ets:tab2list(Table),
                        {_, Length} <- [erlang:process_info(Pid, message_queue_len)]],
    Now = {State, length(ets:match(Table, {{ev, '$1'}, '_'})), lists:sum(Queues), is_calm(State)},
    case Now of
        {_, _, 0, true} when Now =:= Was -> quiet(H, Now, Same + 1, Polls + 1);
        _ -> quiet(H, Now, 0, Polls + 1)
    end.

is_calm(down) -> true;
is_calm([_, restarting]) -> false;
is_calm([_, _, Children]) -> lists:all(fun is_calm/1, Children);
is_calm([_, Word]) -> is_atom(Word);
is_calm(_) -> false.

%% Words and JSON.

reason({shutdown, {failed_to_start_child, _, _}}) -> start_failed;
reason({shutdown, _}) -> shutdown;
reason(Reason) when Reason =:= normal; Reason =:= shutdown; Reason =:= killed -> Reason;
reason(_) -> error.

json(Atom) when is_atom(Atom) -> [$", atom_to_list(Atom), $"];
json(Integer) when is_integer(Integer) -> integer_to_list(Integer);
json(Text) when is_binary(Text) -> [$", [escape(Char) || <<Char>> <= Text], $"];
json(List) -> ["[", lists:join(",", [json(Value) || Value <- List]), "]"].

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(Char) when Char < 32 -> " ";
escape(Char) -> Char.
