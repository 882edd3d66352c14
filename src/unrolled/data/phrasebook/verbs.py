"""What people do: each deed with its English verb and rest, its Japanese frame with particles, and what fits it.

>>> deed = next(d for d in DEEDS if d.verb == "take" and "taxi" in d.slots)
>>> deed.rest, deed.front, deed.word.text
('{o}', '{o}に', '乗る')

In a frame, {o} is an object, {q} its quantity, {p} a person, and {my} whose it is, which Japanese leaves out.
"""

from functools import cache
from typing import NamedTuple

from unrolled.data.phrasebook.japanese import Word


class Deed(NamedTuple):
    """A frame. ``slots``: classes of objects, ``forms``: how an object may stand, ``marks``: see ``_DEEDS``."""

    verb: str
    slots: tuple[str, ...]
    forms: str
    rest: str
    front: str
    word: Word
    marks: frozenset[str]
    hours: tuple[int, int]
    places: tuple[str, ...]


# forms of the object: a one, n so many, s some, b bare, t the, d this or that, m mine, j with an adjective, and
#        in their place y, any, in a denial
# marks: D told of a day, W of a week or month, Y of a year; h done daily, w weekly; p going on; c in company;
#        m wanted, owed or allowed; r asked of somebody; k a skill; u for some time; e an errand to go for;
#        g gladly done; z said with its hour
_DEEDS = """
eat|food|ansbdj|{o}|{o}を{q}|食べる 1|D w p c m g|11-21|dine home
drink|drink|ansb|{o}|{o}を{q}|飲む 5|D h p c m g|8-21|tea
have|||breakfast|朝ご飯を|食べる 1|D h p c m|6-9|home
have|||lunch|昼ご飯を|食べる 1|D h p c m g e|12-13|eat lawn
have|||dinner|晩ご飯を|食べる 1|D h p c m g e|18-20|dine
read|reading|anstdjb|{o}|{o}を{q}|読む 5|D W w p m u g e|9-22|quiet outdoor living
read|daily|b|{o}|{o}を|読む 5|D h p m|6-9|living
write|mail|ansb|{o} to {p}|{p}に{o}を{q}|書く 5|D W w p m|9-22|quiet
send|mail photo|anb|{o} to {p}|{p}に{o}を{q}|送る 5|D W w m|9-20|
write|report|aj|{o}|{o}を|書く 5|D W p m|9-22|quiet
write|novel|a|{o}|{o}を|書く 5|Y p m|9-22|quiet
watch|watching|atjb|{o}|{o}を|見る 1|D W w p c m g|13-21|living
watch|screen|b|{o}|{o}を|見る 1|D h p c m u g|18-22|living
listen|listening|b|to {o}|{o}を|聞く 5|D h p c m u g|8-22|living
play|played|b|{o}|{o}を|弾く 5|D w h p m k u g|10-20|
practice|played|b|{o}|{o}を|練習する s|D h w p m u|10-20|
play|sport|b|{o}|{o}を|する s|D w p c m k u g|10-17|outdoor
practice|sport|b|{o}|{o}を|練習する s|D h w p c m u|10-17|outdoor
study|language subject|b|{o}|{o}を|勉強する s|D W h w p c m u e|9-22|quiet study
speak|language|b|{o}|{o}を|話す 5|k|9-20|
teach|language subject|b|{o} to {p}|{p}に{o}を|教える 1|D W w p m|9-20|
learn|language|b|{o}|{o}を|習う 5|Y m|9-20|
buy|shop kitchen|nsb|{o}|{o}を{q}|買う 5|D w m r e|9-20|food
buy|drink|sb|{o}|{o}を{q}|買う 5|D w m|9-20|food
buy|goods clothes|anj|{o}|{o}を{q}|買う 5|D W m e g|10-19|goods
buy|print|anj|{o}|{o}を{q}|買う 5|D W m e g|10-19|print
buy|postal|n|{o}|{o}を{q}|買う 5|D W m e|9-17|postal
buy|gift|nsb|{o}|{o}を{q}|買う 5|D W m|10-19|
buy|car bicycle machine furniture|aj|{o}|{o}を|買う 5|W Y m g|10-19|
sell|car bicycle computer camera|m|{o}|{o}を|売る 5|W Y m|10-19|
borrow|print|anj|{o} from {p}|{p}から{o}を{q}|借りる 1|D W m|9-20|
borrow|print|ans|{o}|{o}を{q}|借りる 1|D W m e|9-19|quiet
lend|print tool|a|{o} to {p}|{p}に{o}を|貸す 5|D W m|9-20|
return|print|t|{o} to {p}|{p}に{o}を|返す 5|D W m|9-20|
return|print|t|{o} to the library|図書館に{o}を|返す 5|D W m|9-19|
show|photo art map ticket|at|{o} to {p}|{p}に{o}を|見せる 1|D W m|9-20|
take|photo|snb|{o}|{o}を{q}|撮る 5|D W w p m c g|9-18|sight outdoor city
draw|art|ab|{o}|{o}を{q}|描く 5|D W w p m k g|9-20|outdoor
draw|map|a|{o}|{o}を|描く 5|D m|9-20|
make|||a cake|ケーキを|作る 5|D w p c m g|10-19|cooking
make|sandwich rice~ball curry salad|b|{o}|{o}を|作る 5|D w p c m g|10-19|cooking
cook|||dinner|晩ご飯を|作る 5|D h p c m|16-19|cooking
bake|||a cake|ケーキを|焼く 5|D W w p c m g|10-17|cooking
bake|bread|b|{o}|{o}を|焼く 5|D W w p c m g|10-17|cooking
wash|||the dishes|お皿を|洗う 5|D h p m r|8-21|cooking
wash|car|m|{o}|{o}を|洗う 5|D W w p m|9-17|
do|||the laundry|洗濯を|する s|D h w p m|8-16|
do|||{my} homework|宿題を|する s|D h p c m|15-22|quiet
clean|room|m|{o}|{o}を|掃除する s|D w p m r|9-17|
clean|||the kitchen|台所を|掃除する s|D w p m r|9-19|
clean|||the living room|居間を|掃除する s|D w p m r|9-19|
open|opening|t|{o}|{o}を|開ける 1|D r|8-20|
close|opening|t|{o}|{o}を|閉める 1|D r|8-22|
turn|electric|t|on {o}|{o}を|つける 1|D r|8-22|
turn|electric|t|off {o}|{o}を|消す 5|D r|8-22|
take|train bus the~subway|t|{o}|{o}に|乗る 5|D w m|7-22|
take|taxi|a|{o}|{o}に|乗る 5|D w m|7-22|
ride|bicycle|a|{o}|{o}に|乗る 5|D w m k|8-18|
drive|car|a|{o}|{o}を|運転する s|k|8-20|
meet|!|p|{p}|{p}に|会う 5|D W m e g|10-20|meet
call|!|p|{p}|{p}に|電話する s|D m|9-21|
call|!|p|{p}|{p}に|電話をかける 1|D m|9-21|
wait|!|p|for {p}|{p}を|待つ 5|D p m u|9-20|meet
help|!|p|{p}|{p}を|手伝う 5|D W m|9-20|
talk|!|p|with {p}|{p}と|話す 5|D W p m u|9-21|tea living
visit|!|p|{p}|{p}を|訪ねる 1|D W Y m|10-18|
take|||a walk|散歩を|する s|D h p c m g e|8-18|outdoor
go|||for a run|走りに|行く 5|D h|6-18|
run|||in the park|公園を|走る 5|D h w p c m u|6-18|
swim|||||泳ぐ 5|D w p c m k u g e|9-17|swim
climb|||Mt. Fuji|富士山に|登る 5|W Y c m g|9-15|
go|||shopping|買い物に|行く 5|D w c m|10-18|
go|||fishing|釣りに|行く 5|D W w c m g|8-15|
go|||camping|キャンプに|行く 5|W Y c m g|9-15|
get|||up||起きる 1|D h m z|5-8|
go|||to bed||寝る 1|D h m z|21-23|
take|||a bath|お風呂に|入る 5|D h m|19-22|
take|||a shower|シャワーを|浴びる 1|D h p m|6-8|
brush|||{my} teeth|歯を|磨く 5|D h p r|6-8|
take|||{my} medicine|薬を|飲む 5|D h m r|8-20|
sing|song|sb|{o}|{o}を|歌う 5|D w p c m g|13-20|
dance|||||踊る 5|D w p c m k g|13-21|
ask|!|q|{p} a question|{p}に質問を|する s|D W m|9-20|
answer|question|td|{o}|{o}に|答える 1|D m r k|9-20|
lose|umbrella wallet key cell~phone watch bag ticket|m|{o}|{o}を|なくす 5|D W|9-20|
find|wallet key watch cell~phone|a|{o}|{o}を|見つける 1|D W|9-20|outdoor
break|plate cup|an|{o}|{o}を{q}|割る 5|D W|9-20|
break|camera watch chair|m|{o}|{o}を|壊す 5|D W|9-20|
feed|||the dog|犬に餌を|やる 5|D h m|7-19|
walk|||the dog|犬を散歩に|連れて行く 5|D h m|6-19|
water|||the flowers|花に水を|やる 5|D h p m r|7-18|green
grow|||vegetables|野菜を|育てる 1|p m g|9-18|green
use|tool machine|dt|{o}|{o}を|使う 5|D m|9-20|
repair|bicycle watch camera computer chair|m|{o}|{o}を|直す 5|D W p m|9-18|
carry|box desk chair|tnd|{o}|{o}を{q}|運ぶ 5|D p m r|9-18|
move|||to {city}|{city}に|引っ越す 5|Y m|9-18|
travel|||to {city}|{city}へ|旅行する s|W Y c m g|9-18|
travel|||to {abroad}|{abroad}へ|旅行する s|Y c m g|9-18|
come|||home|家に|帰る 5|D h z|17-21|
rest|||||休む 5|D m u|9-20|home
work|||||働く 5|D p u|9-18|daily
go|||to work|仕事に|行く 5|D h m|7-9|
go|||to the doctor|医者に|行く 5|D W m|9-17|
go|||to the dentist|歯医者に|行く 5|D W m|9-17|
get|||a haircut|髪を|切る 5|D W m|10-18|
"""


@cache
def _parsed() -> tuple[Deed, ...]:
    deeds = []
    for line in _DEEDS.strip().splitlines():
        verb, slots, forms, rest, front, word, marks, hours, places = line.split("|")
        text, kind = word.split()
        low, _, high = hours.partition("-")
        named = tuple(slot.replace("~", " ") for slot in slots.split())
        span = (int(low), int(high))
        deeds.append(
            Deed(
                verb, named, forms, rest, front, Word(text, kind), frozenset(marks.split()), span, tuple(places.split())
            )
        )
    return tuple(deeds)


DEEDS: tuple[Deed, ...] = _parsed()


@cache
def deeds(marks: str, without: str = "") -> tuple[Deed, ...]:
    """The deeds that have all of these marks, and none of those."""
    return tuple(deed for deed in DEEDS if set(marks.split()) <= deed.marks and not set(without.split()) & deed.marks)
